var json = JsonSerializer.Serialize(new { grant_type = "client_credentials", client_assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion = "«assertion»" });
await client.PostAsync("«token_endpoint»", new StringContent(json, Encoding.UTF8, "application/json")); // HttpClient
