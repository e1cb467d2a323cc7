import Foundation

/// A `scrap-worker` command that ends by itself, and what came of it.
public struct Command: Sendable {
    public let end: Child.End
    public let output: String
    public let errors: String

    @discardableResult
    public init(
        _ words: String..., environment: [String: String] = [:], patience seconds: Double = patience
    ) throws {
        let child = try Child(
            words.joined(separator: " "), Programs.scrapWorker, words, environment: environment)
        defer { child.destroy() }
        end = try child.waitForEnd(upTo: seconds)
        output = child.output.text
        errors = child.errors.text
    }
}
