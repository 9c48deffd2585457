curl «token_endpoint» -H 'Authorization: Bearer «assertion»' -d grant_type=client_credentials
