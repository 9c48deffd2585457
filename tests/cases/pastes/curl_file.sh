curl «token_endpoint» -d @request.txt
