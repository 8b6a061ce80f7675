#pragma once
/*
 * host_key_algorithms.h - in which order a host is asked for its keys.
 *
 * Those of known keys come first, so that a host with a known RSA key and a new Ed25519 key shows
 * the one that can be checked. Certificates are not among them: libssh 0.10 knows their names, but
 * takes them out again before key exchange.
 *
 * Names: IANA "SSH Protocol Parameters", RFC 8332, RFC 8709.
 *
 * Process: supervisor. Pure.
 */
/* known: a set of (1 << enum key_type); configured: HostKeyAlgorithms, NULL: any. Yours, free(). */
char *host_key_algorithms_for(unsigned known, const char *configured);
