var content = new FormUrlEncodedContent(new Dictionary<string, string>
{
    ["grant_type"] = "client_credentials",
    ["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    ["client_assertion"] = "«assertion»",
});
var client = new HttpClient();
var response = await client.PostAsync("«token_endpoint»", content);
