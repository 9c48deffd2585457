form := url.Values{
	"grant_type":            {"client_credentials"},
	"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	"client_assertion":      {"«assertion»"},
}
response, err := http.PostForm("«token_endpoint»", form)
