// Signatures of libcurl (<curl/curl.h>), which librdkafka was compiled against. It asks for
// a token only with `sasl.oauthbearer.method=oidc`, and reports a handle that it cannot have.
#include <stddef.h>

enum { CURLE_OK = 0, CURLE_FAILED_INIT = 2 };

// Called at every start, OIDC or not.
int curl_global_init(long flags) {
    (void)flags;
    return CURLE_OK;
}

void *curl_easy_init(void) { return NULL; }

void curl_easy_cleanup(void *handle) { (void)handle; }

int curl_easy_setopt(void *handle, int option, ...) {
    (void)handle, (void)option;
    return CURLE_FAILED_INIT;
}

int curl_easy_getinfo(void *handle, int info, ...) {
    (void)handle, (void)info;
    return CURLE_FAILED_INIT;
}

int curl_easy_perform(void *handle) {
    (void)handle;
    return CURLE_FAILED_INIT;
}

void *curl_slist_append(void *list, const char *text) {
    (void)list, (void)text;
    return NULL;
}

void curl_slist_free_all(void *list) { (void)list; }
