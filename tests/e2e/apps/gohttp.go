// SPDX-License-Identifier: GPL-2.0-or-later

// gohttp is Go's net/http at both ends, as programs use it: its listener is an
// MPTCP one (the default since Go 1.24: go.mod), its client keeps connections in a pool.
//
//	gohttp serve PORT DIRECTORY    files of DIRECTORY; POST /sum: SHA-256 of what came
//	gohttp get BASE BYTES          what the tests look at; BYTES to post, 0: none
//	gohttp page URL
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"
)

func serve(port, dir string) {
	http.Handle("/", http.FileServer(http.Dir(dir)))
	http.HandleFunc("/sum", func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		if _, err := io.Copy(h, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%x\n", h.Sum(nil))
	})
	log.Fatal(http.ListenAndServe(":"+port, nil))
}

func body(r *http.Response, err error) []byte {
	if err != nil {
		log.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		log.Fatal(err)
	}
	return b
}

func get(base string, size int) {
	os.Stdout.Write(body(http.Get(base + "/marker.txt")))
	fmt.Printf("big %x\n", sha256.Sum256(body(http.Get(base+"/big"))))
	// Several at once, so that the pool makes connections of its own.
	var wg sync.WaitGroup
	sums := make([][32]byte, 4)
	for i := range sums {
		wg.Add(1)
		go func() {
			defer wg.Done()
			sums[i] = sha256.Sum256(body(http.Get(base + "/big")))
		}()
	}
	wg.Wait()
	for _, s := range sums {
		fmt.Printf("again %x\n", s)
	}
	if size > 0 {
		// A reader of no known length: chunked.
		chunks := io.MultiReader(bytes.NewReader(make([]byte, size)))
		fmt.Printf("post %s", body(http.Post(base+"/sum", "application/octet-stream", chunks)))
	}
}

func main() {
	log.SetFlags(0)
	switch a := os.Args; {
	case len(a) == 4 && a[1] == "serve":
		serve(a[2], a[3])
	case len(a) == 4 && a[1] == "get":
		n, err := strconv.Atoi(a[3])
		if err != nil {
			log.Fatal(err)
		}
		get(a[2], n)
	case len(a) == 3 && a[1] == "page":
		os.Stdout.Write(body(http.Get(a[2])))
	default:
		log.Fatal("usage: gohttp serve PORT DIRECTORY | get BASE BYTES | page URL")
	}
}
