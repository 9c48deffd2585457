fetch("«token_endpoint»", {
  method: "POST",
  headers: {"Content-Type": "application/json"},
  body: JSON.stringify({grant_type: "client_credentials", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion: "«assertion»"}),
})
