// A small Kafka client of the tests and benchmarks: what kcat cannot do.
//
//   probe create BROKERS TOPIC PARTITIONS      make a topic
//   probe delete BROKERS TOPIC                 delete one
//   probe produce BROKERS TOPIC                one record for each line of the standard input
//   probe tail BROKERS TOPIC                   "OFFSET PAYLOAD" lines from the beginning on
//   probe dump BROKERS TOPIC                   the same, up to the topic's present end
//   probe stamp BROKERS TOPIC                  as tail, each line led by CLOCK_MONOTONIC in
//                                              nanoseconds; a line "0 OFFSET end" at each end
//   probe relay BROKERS FROM TO                copies new records from topic to topic
//   probe latency BROKERS FROM TO COUNT        write to FROM, read from TO, one after another
//   probe rate BROKERS FROM TO COUNT           the same, all at once
//   probe requests BROKERS PREFIX COUNT        request to result, one noop after another
//   probe burst BROKERS PREFIX COUNT           noops through a union, all at once
//   probe offer BROKERS PREFIX RATE SECONDS    noops at a steady rate for so long, whether the union
//                                              keeps up or not; then waits for every outcome
//   probe broker PREFIX PARTITIONS             a broker with a union's topics that fails on command:
//                                              prints its address, then obeys lines
//       fail REQUEST ERROR COUNT               the next COUNT requests of this kind fail so
//       heal REQUEST                           no further one fails
//       count REQUEST                          prints how many of this kind have come so far
//       down, up                               nobody is connected; everybody may be
//
// REQUEST and ERROR are numbers of Kafka's protocol. The measuring commands print one line:
// percentiles in microseconds, or a rate.
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

enum { wait_ms = 60000, error_bytes = 512, measure_warmup = 20, record_bytes = 250 };

static char error_text[error_bytes];

static void die(const char *what, const char *why) {
    fprintf(stderr, "probe: %s: %s\n", what, why);
    exit(EX_UNAVAILABLE);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value) {
    if (rd_kafka_conf_set(conf, key, value, error_text, error_bytes) != RD_KAFKA_CONF_OK)
        die(key, error_text);
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    if (type == RD_KAFKA_PRODUCER) {
        set(conf, "enable.idempotence", "true");
        set(conf, "linger.ms", "0");
        set(conf, "queue.buffering.max.messages", "1000000");
    } else {
        set(conf, "group.id", "probe");
        set(conf, "auto.offset.reset", "error");
        set(conf, "enable.partition.eof", "true");
        set(conf, "fetch.wait.max.ms", getenv("PROBE_FETCH_WAIT") ?: "500");
        set(conf, "allow.auto.create.topics", "true");
    }
    rd_kafka_t *kafka = rd_kafka_new(type, conf, error_text, error_bytes);
    if (!kafka) die("librdkafka", error_text);
    return kafka;
}

static rd_kafka_t *reader(const char *brokers, const char *topic, int64_t offset) {
    rd_kafka_t *kafka = client(RD_KAFKA_CONSUMER, brokers);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = offset;
    rd_kafka_resp_err_t error = rd_kafka_assign(kafka, list);
    if (error) die(topic, rd_kafka_err2str(error));
    rd_kafka_topic_partition_list_destroy(list);
    return kafka;
}

static void write_record(rd_kafka_t *kafka, const char *topic, const char *bytes, size_t count) {
    rd_kafka_resp_err_t error = rd_kafka_producev(
        kafka, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_VALUE((void *)bytes, count), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_END);
    if (error) die(topic, rd_kafka_err2str(error));
}

static void flush(rd_kafka_t *kafka) {
    rd_kafka_resp_err_t error = rd_kafka_flush(kafka, wait_ms);
    if (error) die("flush", rd_kafka_err2str(error));
}

// The next record, or NULL at the topic's end; waits for it at most wait_ms.
static rd_kafka_message_t *next(rd_kafka_t *kafka, int *at_end) {
    int64_t until = now_ns() + (int64_t)wait_ms * 1000000;
    while (now_ns() < until) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, 100);
        if (!message) continue;
        if (!message->err) return message;
        int ended = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        int fatal = message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET;
        if (fatal) die("read", rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
        if (ended && at_end) {
            *at_end = 1;
            return NULL;
        }
    }
    die("read", "nothing came");
    return NULL;
}

// Reads what is there already, so that what follows is new.
static void read_to_end(rd_kafka_t *kafka) {
    int at_end = 0;
    while (!at_end) {
        rd_kafka_message_t *message = next(kafka, &at_end);
        if (message) rd_kafka_message_destroy(message);
    }
}

static int ascending(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void print_percentiles(int64_t *ns, int count) {
    qsort(ns, (size_t)count, sizeof *ns, ascending);
    printf("p50 %.0f p99 %.0f max %.0f count %d\n", (double)ns[count / 2] / 1e3,
           (double)ns[(int)((double)count * 0.99)] / 1e3, (double)ns[count - 1] / 1e3, count);
}

static void must_be_done(const char *topic, const rd_kafka_topic_result_t **results, size_t count) {
    if (count != 1 || rd_kafka_topic_result_error(results[0]))
        die(topic, count == 1 ? rd_kafka_topic_result_error_string(results[0]) : "no result");
}

static int create(const char *brokers, const char *topic, int partitions) {
    rd_kafka_t *kafka = client(RD_KAFKA_PRODUCER, brokers);
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic, partitions, 1, error_text, error_bytes);
    if (!wanted) die(topic, error_text);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
    rd_kafka_CreateTopics(kafka, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, wait_ms);
    if (!event) die(topic, "no answer");
    if (rd_kafka_event_error(event)) die(topic, rd_kafka_event_error_string(event));
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    must_be_done(topic, results, count);
    return EX_OK;
}

static int delete(const char *brokers, const char *topic) {
    rd_kafka_t *kafka = client(RD_KAFKA_PRODUCER, brokers);
    rd_kafka_DeleteTopic_t *unwanted = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
    rd_kafka_DeleteTopics(kafka, &unwanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, wait_ms);
    if (!event) die(topic, "no answer");
    if (rd_kafka_event_error(event)) die(topic, rd_kafka_event_error_string(event));
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    must_be_done(topic, results, count);
    return EX_OK;
}

static int produce(const char *brokers, const char *topic) {
    rd_kafka_t *kafka = client(RD_KAFKA_PRODUCER, brokers);
    char *line = NULL;
    size_t room = 0;
    for (ssize_t count; (count = getline(&line, &room, stdin)) > 0;) {
        if (line[count - 1] == '\n') count--;
        write_record(kafka, topic, line, (size_t)count);
    }
    flush(kafka);
    return EX_OK;
}

enum reading { tailing, dumping, stamping };

static int tail(const char *brokers, const char *topic, enum reading how) {
    int stamped = how == stamping;
    rd_kafka_t *kafka = reader(brokers, topic, RD_KAFKA_OFFSET_BEGINNING);
    for (;;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, 1000);
        if (!message) continue;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && stamped) {
            printf("0 %" PRId64 " end\n", message->offset);
        } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && how == dumping) {
            return fflush(stdout) ? EX_IOERR : EX_OK;
        } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
            die(topic, rd_kafka_message_errstr(message));
        } else if (!message->err) {
            if (stamped) printf("%" PRId64 " ", now_ns());
            printf("%" PRId64 " %.*s\n", message->offset, (int)message->len,
                   (const char *)message->payload);
        }
        rd_kafka_message_destroy(message);
        if (fflush(stdout)) return EX_OK;
    }
}

// Makes sure that the topic is there, and reads what follows.
static rd_kafka_t *read_new(rd_kafka_t *writer, const char *brokers, const char *topic) {
    write_record(writer, topic, "0", 1);
    flush(writer);
    rd_kafka_t *kafka = reader(brokers, topic, RD_KAFKA_OFFSET_BEGINNING);
    read_to_end(kafka);
    return kafka;
}

static int relay(const char *brokers, const char *from, const char *to) {
    rd_kafka_t *writer = client(RD_KAFKA_PRODUCER, brokers);
    rd_kafka_t *kafka = read_new(writer, brokers, from);
    puts("ready");
    fflush(stdout);
    for (;;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, 1000);
        if (message && !message->err) write_record(writer, to, message->payload, message->len);
        if (message) rd_kafka_message_destroy(message);
    }
}

static int latency(const char *brokers, const char *from, const char *to, int count) {
    rd_kafka_t *writer = client(RD_KAFKA_PRODUCER, brokers);
    rd_kafka_t *kafka = read_new(writer, brokers, to);
    char payload[record_bytes];
    memset(payload, 'x', sizeof payload);
    int64_t *ns = calloc((size_t)count, sizeof *ns);
    for (int i = -measure_warmup; i < count; i++) {
        int64_t sent = now_ns();
        write_record(writer, from, payload, sizeof payload);
        rd_kafka_message_destroy(next(kafka, NULL));
        if (i >= 0) ns[i] = now_ns() - sent;
    }
    print_percentiles(ns, count);
    return EX_OK;
}

static int rate(const char *brokers, const char *from, const char *to, int count) {
    rd_kafka_t *writer = client(RD_KAFKA_PRODUCER, brokers);
    rd_kafka_t *kafka = read_new(writer, brokers, to);
    char payload[record_bytes];
    memset(payload, 'x', sizeof payload);
    int64_t began = now_ns();
    for (int i = 0; i < count; i++) write_record(writer, from, payload, sizeof payload);
    for (int i = 0; i < count; i++) rd_kafka_message_destroy(next(kafka, NULL));
    printf("rate %.0f\n", count / ((double)(now_ns() - began) / 1e9));
    return EX_OK;
}

// Whether the record is the last word about a request of this run.
static int is_final(const rd_kafka_message_t *message, const char *run) {
    char text[1024];
    size_t count = message->len < sizeof text - 1 ? message->len : sizeof text - 1;
    memcpy(text, message->payload, count);
    text[count] = 0;
    if (!strstr(text, run) || !strstr(text, "\"final\":true")) return 0;
    if (!strstr(text, "\"completed\"")) die("a noop ended otherwise", text);
    return 1;
}

struct union_client {
    rd_kafka_t *writer, *results;
    char requests[256], run[32];
};

static struct union_client open_union(const char *brokers, const char *prefix) {
    struct union_client c;
    char results[256];
    snprintf(c.requests, sizeof c.requests, "%srequests", prefix);
    snprintf(results, sizeof results, "%sresults", prefix);
    snprintf(c.run, sizeof c.run, "probe-%" PRIx64, (uint64_t)now_ns());
    c.writer = client(RD_KAFKA_PRODUCER, brokers);
    c.results = reader(brokers, results, RD_KAFKA_OFFSET_BEGINNING);
    read_to_end(c.results);
    return c;
}

static void request(struct union_client *c, int number) {
    char text[256];
    int count = snprintf(text, sizeof text, "{\"request_id\":\"%s-%d\",\"op_code\":\"noop\"}", c->run,
                         number);
    write_record(c->writer, c->requests, text, (size_t)count);
}

static void await_final(struct union_client *c) {
    for (int final = 0; !final;) {
        rd_kafka_message_t *message = next(c->results, NULL);
        final = is_final(message, c->run);
        rd_kafka_message_destroy(message);
    }
}

static int requests(const char *brokers, const char *prefix, int count) {
    struct union_client c = open_union(brokers, prefix);
    int64_t *ns = calloc((size_t)count, sizeof *ns);
    for (int i = -measure_warmup; i < count; i++) {
        int64_t sent = now_ns();
        request(&c, i + measure_warmup);
        await_final(&c);
        if (i >= 0) ns[i] = now_ns() - sent;
    }
    print_percentiles(ns, count);
    return EX_OK;
}

static int burst(const char *brokers, const char *prefix, int count) {
    struct union_client c = open_union(brokers, prefix);
    request(&c, 0);
    await_final(&c);
    int64_t began = now_ns();
    for (int i = 1; i <= count; i++) request(&c, i);
    for (int i = 1; i <= count; i++) await_final(&c);
    printf("rate %.0f\n", count / ((double)(now_ns() - began) / 1e9));
    return EX_OK;
}

static int count_requests(rd_kafka_mock_cluster_t *cluster, int kind) {
    size_t all;
    int found = 0;
    rd_kafka_mock_request_t **requests = rd_kafka_mock_get_requests(cluster, &all);
    for (size_t i = 0; i < all; i++)
        if (rd_kafka_mock_request_api_key(requests[i]) == kind) found++;
    rd_kafka_mock_request_destroy_array(requests, all);
    return found;
}

static void fail_requests(rd_kafka_mock_cluster_t *cluster, int kind, int error, int count) {
    rd_kafka_resp_err_t *errors = calloc((size_t)count, sizeof *errors);
    for (int i = 0; i < count; i++) errors[i] = (rd_kafka_resp_err_t)error;
    rd_kafka_mock_push_request_errors_array(cluster, (int16_t)kind, (size_t)count, errors);
    free(errors);
}

// Carries out a line. Each is answered by one, so that who gave it knows that it holds.
static void obey(rd_kafka_mock_cluster_t *cluster, const char *line) {
    int kind, error, count;
    if (sscanf(line, "fail %d %d %d", &kind, &error, &count) == 3 && count > 0) {
        fail_requests(cluster, kind, error, count);
        puts("ok");
    } else if (sscanf(line, "count %d", &kind) == 1) {
        printf("%d\n", count_requests(cluster, kind));
    } else if (sscanf(line, "heal %d", &kind) == 1) {
        rd_kafka_mock_clear_request_errors(cluster, (int16_t)kind);
        puts("ok");
    } else if (!strcmp(line, "down\n")) {
        rd_kafka_mock_broker_set_down(cluster, -1);
        puts("ok");
    } else if (!strcmp(line, "up\n")) {
        rd_kafka_mock_broker_set_up(cluster, -1);
        puts("ok");
    } else {
        die("broker: no such command", line);
    }
    fflush(stdout);
}

// librdkafka's mock cluster of one broker. It ends with its standard input.
static int broker(const char *prefix, int partitions) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "log_level", "3");
    rd_kafka_t *owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error_text, error_bytes);
    if (!owner) die("librdkafka", error_text);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(owner, 1);
    if (!cluster) die("broker", "rd_kafka_mock_cluster_new");
    const char *words[] = {"leader", "election", "heartbeat", "results", "requests"};
    for (int i = 0; i < 5; i++) {
        char name[256];
        snprintf(name, sizeof name, "%s%s", prefix, words[i]);
        rd_kafka_resp_err_t error = rd_kafka_mock_topic_create(cluster, name, partitions, 1);
        if (error) die(name, rd_kafka_err2str(error));
    }
    rd_kafka_mock_start_request_tracking(cluster);
    puts(rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) obey(cluster, line);
    return EX_OK;
}

struct offer {
    struct union_client c;
    int total, written, settled, exhausted, otherwise;
    int64_t *sent, *took;
};

// The first final result of a request is its outcome; others of the same request are copies.
static void settle(struct offer *o, const rd_kafka_message_t *message) {
    char text[2048];
    size_t count = message->len < sizeof text - 1 ? message->len : sizeof text - 1;
    memcpy(text, message->payload, count);
    text[count] = 0;
    const char *id = strstr(text, o->c.run);
    if (!id || !strstr(text, "\"final\":true")) return;
    int number = atoi(id + strlen(o->c.run) + 1);
    if (number < 0 || number >= o->written) die("an outcome of no request", text);
    if (o->took[number]) return;
    o->took[number] = now_ns() - o->sent[number];
    o->settled++;
    if (strstr(text, "\"status\":\"exhausted\"")) o->exhausted++;
    else if (!strstr(text, "\"status\":\"completed\"")) o->otherwise++;
}

static void take(struct offer *o, int ms) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(o->c.results, ms);
    if (!message) return;
    if (!message->err) settle(o, message);
    rd_kafka_message_destroy(message);
}

static int offer(const char *brokers, const char *prefix, int per_second, int seconds) {
    struct offer o = {open_union(brokers, prefix), per_second * seconds, 0, 0, 0, 0, NULL, NULL};
    o.sent = calloc((size_t)o.total, sizeof *o.sent);
    o.took = calloc((size_t)o.total, sizeof *o.took);
    if (!o.sent || !o.took) die("offer", "no memory for so many requests");
    int64_t began = now_ns(), until = began + (int64_t)seconds * 1000000000;
    for (int64_t now = began; now < until; now = now_ns()) {
        int due = (int)((double)(now - began) / 1e9 * per_second) + 1;
        for (; o.written < due && o.written < o.total; o.written++) {
            o.sent[o.written] = now_ns();
            request(&o.c, o.written);
        }
        take(&o, 1);
        while (o.settled < o.written && now_ns() - now < 1000000) take(&o, 0);
    }
    int meanwhile = o.settled;
    double offering = (double)(now_ns() - began) / 1e9;
    int64_t progress = now_ns();
    for (int before = o.settled; o.settled < o.written; before = o.settled) {
        take(&o, 100);
        if (o.settled > before) progress = now_ns();
        if (now_ns() - progress > (int64_t)wait_ms * 1000000) break;
    }
    double all = (double)(now_ns() - began) / 1e9;
    printf("offered %.0f completed %.0f drained %.0f ", o.written / offering, meanwhile / offering,
           (o.settled - meanwhile) / (all - offering));
    printf("requests %d missing %d exhausted %d otherwise %d ", o.written, o.written - o.settled,
           o.exhausted, o.otherwise);
    int known = 0;
    for (int i = 0; i < o.written; i++)
        if (o.took[i]) o.took[known++] = o.took[i];
    if (!known) die("offer", "no request has an outcome");
    qsort(o.took, (size_t)known, sizeof *o.took, ascending);
    printf("p50 %.0f p95 %.0f\n", (double)o.took[known / 2] / 1e3,
           (double)o.took[(int)((double)known * 0.95)] / 1e3);
    return EX_OK;
}

int main(int words, char **word) {
    const char *verb = words > 3 ? word[1] : "";
    int number = words > 3 ? atoi(word[words - 1]) : 0;
    if (!strcmp(verb, "produce")) return produce(word[2], word[3]);
    if (!strcmp(verb, "delete")) return delete(word[2], word[3]);
    if (!strcmp(verb, "tail")) return tail(word[2], word[3], tailing);
    if (!strcmp(verb, "dump")) return tail(word[2], word[3], dumping);
    if (!strcmp(verb, "stamp")) return tail(word[2], word[3], stamping);
    if (!strcmp(verb, "relay") && words == 5) return relay(word[2], word[3], word[4]);
    if (number > 0 && words == 4 && !strcmp(verb, "broker")) return broker(word[2], number);
    if (number > 0 && words == 5) {
        if (!strcmp(verb, "create")) return create(word[2], word[3], number);
        if (!strcmp(verb, "requests")) return requests(word[2], word[3], number);
        if (!strcmp(verb, "burst")) return burst(word[2], word[3], number);
    }
    if (number > 0 && words == 6) {
        if (!strcmp(verb, "latency")) return latency(word[2], word[3], word[4], number);
        if (!strcmp(verb, "offer") && atoi(word[4]) > 0)
            return offer(word[2], word[3], atoi(word[4]), number);
        if (!strcmp(verb, "rate")) return rate(word[2], word[3], word[4], number);
    }
    fputs("usage: see the beginning of probe.c\n", stderr);
    return EX_USAGE;
}
