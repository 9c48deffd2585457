const form = new FormData();
form.append("grant_type", "client_credentials");
form.append("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
form.append("client_assertion", "«assertion»");
fetch("«token_endpoint»", { method: "POST", body: form });
