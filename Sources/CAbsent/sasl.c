// Signatures of Cyrus SASL 2 (<sasl/sasl.h>), which librdkafka was compiled against.
#include "CAbsent.h"

enum { SASL_OK = 0, SASL_FAIL = -1, SASL_NOMECH = -4 };

const char *scrap_gssapi_absent(void) {
    return "SASL mechanism GSSAPI (Kerberos) is not in this build; "
           "PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are";
}

// librdkafka calls this at every start, Kerberos or not, and complains unless it succeeds.
int sasl_client_init(const void *callbacks) {
    (void)callbacks;
    return SASL_OK;
}

int sasl_client_new(const char *service, const char *server, const char *local_address,
                    const char *remote_address, const void *callbacks, unsigned flags,
                    void **connection) {
    (void)service, (void)server, (void)local_address, (void)remote_address;
    (void)callbacks, (void)flags;
    *connection = 0;
    return SASL_NOMECH;
}

int sasl_client_start(void *connection, const char *mechanisms, void **prompts,
                      const char **out, unsigned *out_length, const char **mechanism) {
    (void)connection, (void)mechanisms, (void)prompts, (void)mechanism;
    *out = 0;
    *out_length = 0;
    return SASL_NOMECH;
}

int sasl_client_step(void *connection, const char *in, unsigned in_length, void **prompts,
                     const char **out, unsigned *out_length) {
    (void)connection, (void)in, (void)in_length, (void)prompts;
    *out = 0;
    *out_length = 0;
    return SASL_FAIL;
}

void sasl_dispose(void **connection) { *connection = 0; }

const char *sasl_errdetail(void *connection) {
    (void)connection;
    return scrap_gssapi_absent();
}

const char *sasl_errstring(int code, const char *languages, const char **language) {
    (void)code, (void)languages;
    if (language) *language = "en";
    return scrap_gssapi_absent();
}

int sasl_getprop(void *connection, int property, const void **value) {
    (void)connection, (void)property;
    *value = 0;
    return SASL_FAIL;
}

int sasl_listmech(void *connection, const char *user, const char *prefix,
                  const char *separator, const char *suffix, const char **result,
                  unsigned *length, int *count) {
    (void)connection, (void)user, (void)prefix, (void)separator, (void)suffix;
    *result = "";
    if (length) *length = 0;
    if (count) *count = 0;
    return SASL_OK;
}
