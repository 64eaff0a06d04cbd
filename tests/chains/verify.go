// What Go's crypto/x509 makes of certificates: reads the same questions as judge.c, and writes
// "accepted" or "refused REASON".
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"
)

func blocks(path string) [][]byte {
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var found [][]byte
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return found
		}
		found = append(found, block.Bytes)
	}
}

func pool(list [][]byte) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, der := range list {
		if c, err := x509.ParseCertificate(der); err == nil {
			pool.AddCert(c)
		}
	}
	return pool
}

func verify(role, host string, now int64, anchors, chain [][]byte) error {
	own, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return err
	}
	usage := x509.ExtKeyUsageServerAuth
	if role == "client" {
		usage = x509.ExtKeyUsageClientAuth
	}
	if host == "-" {
		host = ""
	}
	_, err = own.Verify(x509.VerifyOptions{
		DNSName:       host,
		Roots:         pool(anchors),
		Intermediates: pool(chain[1:]),
		CurrentTime:   time.Unix(now, 0),
		KeyUsages:     []x509.ExtKeyUsage{usage},
	})
	return err
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var role, host, anchors, chain string
		var now int64
		if _, err := fmt.Sscan(in.Text(), &role, &host, &now, &anchors, &chain); err != nil {
			panic(err)
		}
		if err := verify(role, host, now, blocks(anchors), blocks(chain)); err != nil {
			fmt.Println("refused", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("accepted")
		}
	}
}
