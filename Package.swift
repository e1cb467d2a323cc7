// swift-tools-version: 6.3
import PackageDescription

// Strict memory safety: every unsafe construct is marked `unsafe` where it is used.
// Lifetimes: a `Span` into a value is returned with `@_lifetime(borrow self)`.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]
let tested: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "scrap-worker",
    targets: [
        .target(name: "Union", swiftSettings: strict),
        .target(name: "CJsmn", cSettings: [.treatAllWarnings(as: .error)]),
        .target(name: "Wire", dependencies: ["Union", "CJsmn"], swiftSettings: strict),
        .systemLibrary(name: "CLinux"),
        // Of the shell, all that needs no C library but glibc: the host tests it. Its faces are
        // `package`; only a type with a `deinit` is `public`, because Swift 6.3's Embedded mode
        // does not find the `deinit` of others from another module (swiftlang/swift#87303).
        .target(name: "Shell", dependencies: ["Union", "Wire", "CLinux"], swiftSettings: strict),
        .testTarget(
            name: "ShellTests", dependencies: ["Shell", "Union", "Wire", "CLinux"],
            swiftSettings: tested),
        .testTarget(name: "UnionTests", dependencies: ["Union"], swiftSettings: tested),
        .testTarget(
            name: "WireTests", dependencies: ["Wire", "CJsmn", "WirePromises"],
            exclude: ["Versions"], swiftSettings: tested),
        .target(
            name: "WirePromises", dependencies: ["Wire"], path: "Tests/Fuzz/Promises",
            swiftSettings: tested),
        .target(
            name: "Simulator", dependencies: ["Union"],
            // A tenth of its time; the debug build of the tests checks.
            swiftSettings: tested + [
                .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
            ]),
        .testTarget(
            name: "SimulatorTests", dependencies: ["Simulator"], exclude: ["Transcripts"],
            swiftSettings: tested),
        .target(name: "CSpawn", path: "Tests/CSpawn", cSettings: [.treatAllWarnings(as: .error)]),
        .target(
            name: "Harness", dependencies: ["CSpawn"], path: "Tests/Harness", swiftSettings: tested),
        .testTarget(
            name: "EndToEndTests", dependencies: ["Harness"], path: "Tests/EndToEnd",
            swiftSettings: tested),
    ]
)

// For the host only: the simulator's command line, the benchmarks, and in the program's place one
// that says how to build it.
if Context.environment["SCRAP_BOARD"] != "1" {
    package.targets += [
        .executableTarget(
            name: "scrap-worker", path: "Sources/host", cSettings: [.treatAllWarnings(as: .error)]),
        .executableTarget(name: "simulate", dependencies: ["Simulator"], swiftSettings: tested),
        .executableTarget(
            name: "ScrapBench", dependencies: ["Harness", "Union"], path: "Tests/Benchmarks",
            swiftSettings: tested),
    ]
}

// Has no `main` of its own but libFuzzer's: for `make fuzz` only.
if Context.environment["SCRAP_FUZZ"] == "1" {
    package.targets += [
        .executableTarget(
            name: "fuzz", dependencies: ["Union", "WirePromises"], path: "Tests/Fuzz/Target",
            swiftSettings: tested + [.enableExperimentalFeature("Extern")])
    ]
}

// The shipped binary needs Debian trixie's libraries, which a host that only runs the
// tests does not have. The Makefile sets SCRAP_BOARD together with the Swift SDK that
// brings them.
if Context.environment["SCRAP_BOARD"] == "1" {
    package.products += ["scrap-worker", "probe"].map { .executable(name: $0, targets: [$0]) }
    package.targets += [
        .systemLibrary(name: "CRdkafka"),
        .systemLibrary(name: "CGpiod"),
        .systemLibrary(name: "CInih"),
        .systemLibrary(name: "CCrypto"),
        .target(name: "CAbsent", cSettings: [.treatAllWarnings(as: .error)]),
        .target(
            name: "ScrapWorker",
            dependencies: [
                "Shell", "Union", "Wire", "CRdkafka", "CGpiod", "CInih", "CCrypto", "CLinux",
                "CAbsent",
            ],
            swiftSettings: strict,
            // By name: autolinking does not work for the bare-metal target.
            linkerSettings: ["rdkafka", "gpiod", "inih"].map { .linkedLibrary($0) }
        ),
        .executableTarget(name: "scrap-worker", dependencies: ["ScrapWorker"]),
        .executableTarget(
            name: "probe", dependencies: ["CRdkafka", "CAbsent"], path: "Tests/Probe",
            linkerSettings: [.linkedLibrary("rdkafka")]
        ),
    ]
}
