// Stand-ins for the two libraries that static librdkafka wants and a board does not use:
// Cyrus SASL (Kerberos; PLAIN and SCRAM are librdkafka's own) and libcurl (OIDC tokens).
// The real ones would bring in LDAP, SQLite and Kerberos.
//
// Only librdkafka calls them. Swift needs nothing from here but the reason that a user is
// told.
#pragma once

/// Why `sasl.mechanisms=GSSAPI` cannot work.
const char *scrap_gssapi_absent(void);
