http --form POST «token_endpoint» grant_type=client_credentials\
 client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer\
 client_assertion=«assertion»
