// swift-tools-version: 6.2
import PackageDescription

let common: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
    .treatAllWarnings(as: .error),
]
/// SE-0458: in the pure targets every unsafe use is marked `unsafe`.
let pure = common + [.strictMemorySafety()]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let lifecycleTestKit: Target.Dependency = .product(
    name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "Ibis",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "ibis", targets: ["Ibis"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSRTP", pkgConfig: "libsrtp2", providers: [.apt(["libsrtp2-dev"])]),
        .systemLibrary(name: "COpus", pkgConfig: "opus", providers: [.apt(["libopus-dev"])]),
        .systemLibrary(name: "CMalloc"),
        .target(
            name: "CMediaIO", dependencies: ["COpenSSL", "CSRTP"],
            cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra"])]),
        .target(
            name: "CResolv", cSettings: [.unsafeFlags(["-Wall", "-Wextra"])],
            linkerSettings: [.linkedLibrary("resolv")]),
        .target(name: "SIPCore", dependencies: [crypto], swiftSettings: pure),
        .target(name: "Media", dependencies: ["CMediaIO", "CSRTP", "COpus"], swiftSettings: common),
        .target(
            name: "SIPEdge",
            dependencies: ["CResolv", "SIPCore", "Media", nioCore, nioPosix, nioTLS, nioSSL, logging, lifecycle],
            swiftSettings: common),
        .target(
            name: "WabaBridge",
            dependencies: [
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Hummingbird", package: "hummingbird"), logging, lifecycle, crypto,
            ],
            swiftSettings: common),
        .target(
            name: "Simulators",
            dependencies: [
                "SIPCore", "Media", "SIPEdge", "WabaBridge", nioCore, nioPosix, nioTLS, nioSSL, logging, crypto, x509,
                asn1,
            ],
            swiftSettings: common),
        .executableTarget(
            name: "Ibis",
            dependencies: [
                "CMalloc", "SIPCore", "Media", "SIPEdge", "WabaBridge", "Simulators", logging, lifecycle, crypto,
                nioCore,
                nioPosix,
                nioSSL,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                x509, asn1,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: common),
        .target(name: "FuzzTargets", dependencies: ["SIPCore"], path: "Fuzz/Targets", swiftSettings: common),
        .executableTarget(name: "ibis-fuzz", dependencies: ["FuzzTargets"], path: "Fuzz/Tool", swiftSettings: common),
        .executableTarget(
            name: "ibis-bench",
            dependencies: [
                "CMediaIO", "SIPCore", "FuzzTargets", "Media", "SIPEdge", "Simulators", logging, nioCore, nioPosix,
                nioSSL,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks", exclude: ["peers"], swiftSettings: common),
        .testTarget(
            name: "Interop", dependencies: ["Media", "SIPCore", "Simulators"], exclude: ["lab"], swiftSettings: common),
        .testTarget(name: "SIPCoreTests", dependencies: ["SIPCore", "FuzzTargets"], swiftSettings: common),
        .testTarget(name: "MediaTests", dependencies: ["Media"], swiftSettings: common),
        .testTarget(
            name: "SIPEdgeTests",
            dependencies: [
                "SIPCore", "Media", "SIPEdge", "Simulators", nioCore, nioPosix, nioSSL, nioEmbedded, logging,
                lifecycleTestKit,
            ],
            swiftSettings: common),
        .testTarget(
            name: "SimulatorTests",
            dependencies: ["SIPCore", "Media", "SIPEdge", "Simulators", nioCore, nioPosix, nioSSL, logging],
            swiftSettings: common),
        .testTarget(
            name: "WabaBridgeTests",
            dependencies: [
                "WabaBridge", logging, .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ],
            swiftSettings: common),
        .testTarget(
            name: "IbisTests",
            dependencies: [
                "Ibis", "SIPCore", "SIPEdge", "WabaBridge", logging, crypto,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                x509, asn1,
            ],
            swiftSettings: common),
    ]
)
