/// The process ends with this code of sysexits(3); what went wrong has been said already.
struct Exit: Error {
    var code: Int32
}
