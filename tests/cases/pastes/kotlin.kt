val form = mapOf("grant_type" to "client_credentials", "client_assertion_type" to "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion" to "«assertion»")
