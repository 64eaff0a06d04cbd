/* tls_profile.h - what the two sides of TLS have in common: TLS 1.2 and nothing else, its suites
 * and algorithms. */
#ifndef NET_TLS_PROFILE_H
#define NET_TLS_PROFILE_H

#include "base/base.h"

#include <bearssl.h>

enum { TLS_RSA_SUITES = 3 }; /* they come first in an engine's list */

/* Prepares an engine that is all zeros: no renegotiation; ECDHE with X25519, P-256 or P-384;
 * AES-GCM and ChaCha20, first what this CPU is good at; ALPN "http/1.1"; entropy from the kernel.
 * The caller adds buffers, and what checks or shows certificates. */
void tls_profile_set(br_ssl_engine_context *e);

#endif
