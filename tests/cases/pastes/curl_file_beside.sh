curl «token_endpoint» -d @common.txt -d client_assertion=«assertion»
