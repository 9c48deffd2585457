let params = [("grant_type", "client_credentials"), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), ("client_assertion", "«assertion»")];
let answer = reqwest::Client::new().post("«token_endpoint»").form(&params).send().await?;
