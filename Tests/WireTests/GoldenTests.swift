import Testing
import Union

@testable import Wire

/// One record of each kind, byte for byte. A change here is a change of the protocol.
struct GoldenTests {
    static let ann = "11111111-2222-3333-4444-555555555555"
    static let bob = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

    static let candidacy = """
        {"worker_id":"\(ann)","ranking":100,"votes_received":["\(bob)"],\
        "acceptance_countdown":3,"withdrawn_and_nominating_worker_id":null,"term":7,\
        "incarnation":"00000000000000ab","protocol":2,"reads":1}
        """
    static let heartbeat = """
        {"worker_id":"\(ann)","incarnation":"00000000000000ab","count":12,"leader_id":"\(bob)",\
        "term":7,"leader_offset":1001,"started_offset":998,"role":"member","ranking":100,"slots":2,\
        "worker_lease_ms":2700,"kill_grace_ms":200,"stuck_op_code":"blink","cannot_report":true,\
        "leaving":true,"left_out":true,"accepts_keys":"1a2b3c4d00000000","protocol":2,"reads":1,"current_work_request_id":"6f1d",\
        "running":[42,44],"running_timeouts_ms":[60000],"completed_work_request_ids":["6f1b","6f1c"],"completed_count":9}
        """
    static let request = """
        {"request_id":"6f1d","op_code":"blink","code":"print(\\"hi\\")\\n",\
        "parameters":{"ms":"500","colour":"grün"},"requester_id":"lab","signature":"x",\
        "timeout_ms":30000,"max_attempts":3}
        """
    static let result = """
        {"request_id":"6f1d","request_offset":42,"worker_id":"\(ann)","term":7,"attempt":1,\
        "status":"failed","exit_code":2,"output":"no such file\\n","truncated":false,\
        "duration_ms":31,"counts":true,"final":true}
        """
    static let unstarted = """
        {"request_id":"6f1d","request_offset":42,"worker_id":"\(ann)","term":7,"attempt":1,\
        "status":"lost","exit_code":null,"output":"cannot start cam: No such file or directory",\
        "truncated":false,"duration_ms":2,"counts":false,"cannot_start":true,"final":false}
        """
    static let duplicate = """
        {"request_id":"6f1d","request_offset":47,"worker_id":"\(ann)","term":7,"attempt":0,\
        "status":"completed","exit_code":null,\
        "output":"as requests[42], which had the same id","truncated":false,\
        "duration_ms":0,"counts":false,"final":true,"duplicate_of":42}
        """

    static func order(_ code: String, _ fields: String, after: String = "") -> String {
        """
        {"worker_id":"\(ann)","op_code":"\(code)","metadata":null,\(fields)"term":7,\
        "incarnation":"00000000000000ab","sent_us":123456789,"lease_ms":800,\
        "heartbeat_offset":55,"checkpoint_offset":-1\(after)}
        """
    }

    static let orders = [
        order("NOOP", ""),
        order(
            "CLAIM", "",
            after: """
                ,"member_timeout_ms":3000,"calls_back":true,"accepts_keys":"1a2b3c4d00000000",\
                "protocol":2,"reads":1
                """),
        order("RESIGN", ""),
        order(
            "ADD_MEMBER",
            """
            "union_members":["\(ann)","\(bob)"],"member_id":"\(bob)",\
            "member_incarnation":"fedcba9876543210",
            """),
        order("REMOVE_MEMBER", "\"union_members\":[\"\(ann)\"],\"member_id\":\"\(bob)\","),
        order(
            "ASSIGN_WORK_REQUEST",
            """
            "member_id":"\(bob)","request_offset":42,"attempt":2,"failures":1,\
            "work_request":\(request),
            """),
        order(
            "CANCEL_WORK_REQUEST",
            """
            "member_id":"\(bob)","request_offset":42,"attempt":2,"unless_started":true,
            """),
        order(
            "CHECKPOINT",
            """
            "requests_next":45,"results_next":40,"results_read":41,\
            "first_offset":7,"first_request":"00000000feedface",\
            "last_request":"00000000deadbeef","last_result":"00000000cafed00d",\
            "member_timeout_ms":3000,\
            "unfinished":[[42,2,"\(bob)",1,\
            "0123456789abcdef",9000],[44,0,null,0,"0000000000000000",null]],
            """),
    ]

    static let all: [(Topic, String)] =
        [
            (.election, candidacy), (.heartbeat, heartbeat), (.requests, request),
            (.results, result),
        ] + orders.map { (.leader, $0) }

    @Test(
        "a record of each kind is written as it was read",
        arguments: all + [(.results, duplicate), (.results, unstarted)])
    func sameBytes(topic: Topic, json: String) throws {
        let station = Station()
        let decoded = try station.decode(json, from: topic)
        #expect(decoded.record.topic == topic)
        let bytes = try #require(station.encode(decoded))
        #expect(string(bytes) == json)
    }
}
