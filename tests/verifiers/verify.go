// Verifies a token with a key set: verify URL TOKEN ALG.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"

	"gopkg.in/square/go-jose.v2"
	"gopkg.in/square/go-jose.v2/jwt"
)

func main() {
	url, text, alg := os.Args[1], os.Args[2], os.Args[3]
	response, err := http.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var keys jose.JSONWebKeySet
	if err := json.NewDecoder(response.Body).Decode(&keys); err != nil {
		log.Fatal(err)
	}
	token, err := jwt.ParseSigned(text)
	if err != nil {
		log.Fatal(err)
	}
	found := keys.Key(token.Headers[0].KeyID)
	if len(found) != 1 || token.Headers[0].Algorithm != alg {
		log.Fatal("no key fits")
	}
	var claims jwt.Claims
	if err := token.Claims(found[0].Key, &claims); err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Subject)
}
