// SHA-256 alone, from libcrypto. Its state is a plain struct and its calls cannot fail; those of EVP
// allocate for each record. OpenSSL 3 calls them deprecated, for they take no other provider.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
