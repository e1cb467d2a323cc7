import CGpiod
import CInih
import CLinux
import CRdkafka

/// Reports which libraries this binary carries.
@c(scrap_worker_main)
public func scrapWorkerMain(
    _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> Int32 {
    unsafe puts(rd_kafka_version_str())
    unsafe puts(gpiod_api_version())
    guard let conf = unsafe rd_kafka_conf_new() else { return EX_OSERR }
    guard let kafka = unsafe rd_kafka_new(RD_KAFKA_PRODUCER, conf, nil, 0) else {
        unsafe rd_kafka_conf_destroy(conf)
        return EX_SOFTWARE
    }
    unsafe puts(rd_kafka_name(kafka))
    unsafe rd_kafka_destroy(kafka)
    if count > 1 {
        return unsafe ini_parse(arguments[1], { _, _, _, _ in 1 }, nil)
    }
    return EX_OK
}
