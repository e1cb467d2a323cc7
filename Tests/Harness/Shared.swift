import Foundation

/// State that threads share. It changes under a lock, and each change wakes those who wait.
public final class Shared<State>: @unchecked Sendable {
    private let condition = NSCondition()
    private var state: State

    public init(_ state: State) { self.state = state }

    @discardableResult
    public func change<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body(&state)
    }

    public func read<Result>(_ body: (State) throws -> Result) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body(state)
    }

    /// Asks `find` now and after each change until it answers; nil when it has not after
    /// `seconds`.
    public func wait<Result>(
        upTo seconds: Double, for find: (State) throws -> Result?
    ) rethrows -> Result? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let found = try find(state) { return found }
            if !condition.wait(until: deadline) { return try find(state) }
        }
    }
}

/// What a test waited for and did not get, with all that may tell why.
public struct Unmet: Error, CustomStringConvertible {
    public let description: String

    public init(_ what: String) { description = what }
}

/// How long anything is waited for: far beyond what it takes, so that only a fault ends it.
public let patience = 60.0
