import Glibc
import SIPCore
import SIPEdge
import Testing
import WabaBridge

@testable import Ibis

struct CompositionTests {
    // MARK: Routing

    @Test func storeBecomesRouting() {
        let snapshot = StoreSnapshot(
            numbers: [
                NumberRecord(number: "+15550100001", destination: .application("echo")),
                NumberRecord(number: "+15550100002", destination: .peer("pbx", extension: "100")),
                NumberRecord(number: "+15550100003", destination: .application("from-the-future")),
                NumberRecord(number: "+15550100004", destination: .peer("lost", extension: nil)),
                NumberRecord(
                    number: "+15550100005",
                    destination: .peers([.init("lost"), .init("pbx", weight: 3)], .weight, extension: nil)),
            ],
            peers: [
                PeerRecord(
                    name: "pbx", host: "192.0.2.10", transport: .tls, secureMedia: true, ringTimeout: .seconds(30),
                    tlsName: "pbx.example.com", tlsAuthority: "/ca.pem", maxCalls: 30, maxCallsPerSecond: 5,
                    sources: ["10.0.0.0/8"])
            ])
        var problems: [String] = []
        let table = RoutingTable(snapshot, secrets: nil, problems: &problems)
        #expect(
            table.peers == [
                "pbx": Peer(
                    name: "pbx", host: "192.0.2.10", transport: .tls, secureMedia: true,
                    ringTimeout: .seconds(30), tlsName: "pbx.example.com", tlsAuthorityFile: "/ca.pem",
                    qualifyInterval: .seconds(30), maximumCalls: 30, maximumCallsPerSecond: 5,
                    sources: ["10.0.0.0/8"].compactMap(CIDR.init))
            ])
        #expect(
            table.numbers == [
                "+15550100001": .application(.echo), "+15550100002": .peer("pbx", extension: "100"),
                "+15550100005": .peers([.init("pbx", weight: 3)], .weight, extension: nil),
            ])
        #expect(problems.count == 3)
    }

    @Test func aPeerThatMustProveItselfIsNeverBelievedByItsAddress() throws {
        let directory = try TemporaryDirectory()
        let box = try SecretBox.open(keyFile: directory.file("key"), text: nil, making: true)
        let other = try SecretBox.open(keyFile: directory.file("other"), text: nil, making: true)
        let record = PeerRecord(
            name: "pbx", host: "192.0.2.10", identifyBy: .digest, user: "ibis",
            password: try box.seal("EXAMPLE-peer-password", for: .peer("pbx")))
        let snapshot = StoreSnapshot(peers: [record])
        #expect(snapshot.hasSecrets)
        var problems: [String] = []
        let open = RoutingTable(snapshot, secrets: box, problems: &problems)
        #expect(problems.isEmpty)
        #expect(open.peers["pbx"]?.credentials == PeerCredentials(user: "ibis", password: "EXAMPLE-peer-password"))
        #expect(!"\(open)".contains("EXAMPLE-peer-password"))
        for secrets in [other, nil] {
            let closed = try #require(RoutingTable(snapshot, secrets: secrets, problems: &problems).peers["pbx"])
            #expect(closed.credentials?.identifies == true)
            #expect(closed.credentials?.digest.password.isEmpty == false)
            #expect(closed.credentials?.digest.password != "EXAMPLE-peer-password")
        }
        #expect(problems.count == 1)
    }

    @Test func passwordsAreOpenedForTheEdge() throws {
        let directory = try TemporaryDirectory()
        let box = try SecretBox.open(keyFile: directory.file("key"), text: nil, making: true)
        let other = try SecretBox.open(keyFile: directory.file("other"), text: nil, making: true)
        let number = NumberRecord(
            number: "+15550100001", destination: .application("echo"),
            password: try box.seal("EXAMPLE-sip-password", for: .number("+15550100001")), challenge: true,
            domain: "sip.example.com")
        let plain = NumberRecord(number: "+15550100002", destination: .application("echo"))
        let snapshot = StoreSnapshot(numbers: [number, plain])
        var problems: [String] = []
        let table = RoutingTable(snapshot, secrets: box, problems: &problems)
        #expect(problems.isEmpty)
        let trunk = TrunkNumber(
            credentials: DigestCredentials(username: "15550100001", password: "EXAMPLE-sip-password"), challenge: true,
            domain: "sip.example.com")
        #expect(table.trunks == ["+15550100001": trunk])
        #expect(!"\(table)".contains("EXAMPLE-sip-password"))
        // Not to be opened: the number stays challenged, so it lets nobody in.
        let closed = RoutingTable(snapshot, secrets: other, problems: &problems)
        #expect(closed.trunks == ["+15550100001": TrunkNumber(challenge: true, domain: "sip.example.com")])
        #expect(problems.count == 1)
    }

    /// What the store lets in, the edge can run.
    @Test func applicationsAreTheSame() {
        #expect(NumberRecord.applications == Route.Application.allCases.map(\.rawValue))
    }

    // MARK: Parts

    @Test func thisMachineIsTrustedOnTrialOnly() {
        var configuration = Configuration()
        #expect(configuration.trustedRanges(isSelfMade: false) == MetaRanges.published)
        #expect(
            configuration.trustedRanges(isSelfMade: true)
                == MetaRanges.published + ["127.0.0.0/8", "::1/128"].compactMap(CIDR.init))
        configuration.sip.trustedRanges = ["192.0.2.0/24"].compactMap(CIDR.init)
        #expect(configuration.trustedRanges(isSelfMade: true) == configuration.sip.trustedRanges)
    }

    @Test func adviceOnDefaultsIsNone() {
        #expect(Configuration().advice().isEmpty)
    }

    @Test func adviceOnNarrowPortsAndOpenConsole() {
        var configuration = Configuration()
        configuration.media.portHigh = 20_099
        configuration.console.address = "0.0.0.0"
        #expect(
            configuration.advice() == [
                "limits.calls (1000) may need 2000 RTP port pairs, and media.portLow…portHigh has 50: widen the range, or "
                    + "lower limits.calls.",
                "console.address is 0.0.0.0: the console has no login yet, so keep strangers away.",
            ])
    }

    // MARK: Announced address

    @Test func announcedAddress() {
        var media = Configuration.Media()
        #expect(
            AnnouncedAddress(media) { _ in "10.0.0.5" } == AnnouncedAddress(address: "10.0.0.5", isConfigured: false))
        #expect(AnnouncedAddress(media) { _ in nil }.address == "127.0.0.1")
        media.address = "192.0.2.9"
        #expect(AnnouncedAddress(media) { _ in nil } == AnnouncedAddress(address: "192.0.2.9", isConfigured: true))
        media.publicAddress = "192.0.2.7"
        #expect(AnnouncedAddress(media) { _ in nil } == AnnouncedAddress(address: "192.0.2.7", isConfigured: true))
    }

    @Test func kernelKnowsTheWay() {
        #expect(AnnouncedAddress.localAddress(towards: "127.0.0.1") == "127.0.0.1")
        #expect(AnnouncedAddress.localAddress(towards: "no address") == nil)
    }

    @Test(arguments: [
        ("10.1.2.3", true), ("172.16.0.1", true), ("172.32.0.1", false), ("192.168.1.1", true), ("100.64.0.1", true),
        ("127.0.0.1", true), ("192.0.2.1", false), ("fd00::1", true), ("fe80::1", true), ("::1", true),
        ("2001:db8::1", false),
    ])
    func privateAddresses(_ address: String, _ isPrivate: Bool) {
        #expect(AnnouncedAddress(address: address, isConfigured: true).isPrivate == isPrivate)
    }

    // MARK: Ports

    /// Holds a port of the kernel's choice while the body runs.
    private func withTakenPort(_ kind: PortProbe.Want.Transport, _ body: (UInt16) -> Void) throws {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Int32((kind == .tcp ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        try #require(getaddrinfo("127.0.0.1", "0", &hints, &list) == 0)
        defer { freeaddrinfo(list) }
        let info = try #require(list?.pointee)
        let descriptor = socket(info.ai_family, info.ai_socktype, 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(bind(descriptor, info.ai_addr, info.ai_addrlen) == 0)
        if kind == .tcp { try #require(listen(descriptor, 1) == 0) }
        // sockaddr_in: family, then the port in network order.
        var address = [UInt8](repeating: 0, count: 16)
        var size = socklen_t(address.count)
        let result = address.withUnsafeMutableBytes { room in
            getsockname(descriptor, room.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
        }
        try #require(result == 0)
        body(UInt16(address[2]) << 8 | UInt16(address[3]))
    }

    @Test(arguments: [PortProbe.Want.Transport.tcp, .udp])
    func takenPorts(_ transport: PortProbe.Want.Transport) throws {
        try withTakenPort(transport) { port in
            let want = PortProbe.Want(
                transport: transport, address: "127.0.0.1", port: port, addressKey: "sip.peerAddress",
                portKey: "sip.peerPort")
            let problems = PortProbe.problems([want], origins: ["sip.peerPort": .flag("--sip-peer-port")])
            let option = transport == .tcp ? "-ltnp" : "-lunp"
            #expect(
                problems.map(\.description) == [
                    """
                    sip.peerPort: \(port)  (flag --sip-peer-port)
                        \(transport.rawValue) port \(port) is taken by another program; \
                    ss \(option) 'sport = :\(port)' shows which (as root). Stop it, or choose another sip.peerPort
                    """
                ])
        }
    }

    @Test func foreignAddresses() {
        let want = PortProbe.Want(
            transport: .tcp, address: "192.0.2.200", port: 5061, addressKey: "sip.tlsAddress", portKey: "sip.tlsPort")
        let problem = PortProbe.problems([want]).first
        #expect(problem?.key == "sip.tlsAddress")
        #expect(problem?.remedy.hasPrefix("this machine has no such address") == true)
    }

    @Test func descriptors() {
        #expect(DescriptorLimit.raise() > 0)
        #expect(DescriptorLimit.needed((calls: 100, connections: 50)) == 478)
    }
}
