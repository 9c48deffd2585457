curl «token_endpoint» -F grant_type=client_credentials -F client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer -F client_assertion=«assertion»
