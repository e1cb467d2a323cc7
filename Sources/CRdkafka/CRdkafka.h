#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

// rd_kafka_producev(3), which Swift cannot call: a record for partition 0, copied, with one header.
// 0, or librdkafka's error.
static inline rd_kafka_resp_err_t scrap_produce_signed(
    rd_kafka_t *handle, rd_kafka_topic_t *topic, const void *value, size_t value_bytes,
    const char *header, const void *signature, size_t signature_bytes, void *opaque) {
    return rd_kafka_producev(
        handle, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE((void *)value, value_bytes),
        RD_KAFKA_V_HEADER(header, signature, (ssize_t)signature_bytes), RD_KAFKA_V_OPAQUE(opaque),
        RD_KAFKA_V_END);
}
