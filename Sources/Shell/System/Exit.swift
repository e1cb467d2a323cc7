/// The process ends with this code of sysexits(3); what went wrong has been said already.
package struct Exit: Error {
    package var code: Int32

    package init(code: Int32) { self.code = code }
}
