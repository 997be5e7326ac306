import Glibc
import Testing

@testable import Media

@Suite("Addresses", .tags(.engine))
struct MediaAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1:4000", false), ("0.0.0.0", "0.0.0.0:4000", false),
        ("255.255.255.255", "255.255.255.255:4000", false), ("2001:db8::1", "[2001:db8::1]:4000", true),
        ("::", "[::]:4000", true), ("2001:0DB8:0:0::00FF", "[2001:db8::ff]:4000", true),
        ("::ffff:192.0.2.1", "192.0.2.1:4000", false),
    ]) func readsLiterals(_ host: String, _ description: String, _ isIPv6: Bool) throws {
        let address = try #require(MediaAddress(host, port: 4_000))
        #expect(address.description == description)
        #expect(address.isIPv6 == isIPv6)
        #expect(MediaAddress(address.host, port: 4_000) == address)
    }

    @Test(arguments: [
        "", "example.com", "192.0.2", "192.0.2.256", "[::1]", "fe80::1%eth0", "1.2.3.4.5", "::1::", "192.0.2.1 ",
    ])
    func refusesOthers(_ host: String) {
        #expect(MediaAddress(host, port: 1) == nil)
    }

    @Test(arguments: ["192.0.2.1", "2001:db8::1"]) func goesThroughTheKernelsForm(_ host: String) throws {
        let address = try #require(MediaAddress(host, port: 65_535))
        var name = SocketName(address, ipv6: address.isIPv6)
        #expect(MediaAddress(&name.storage) == address)
        var mapped = SocketName(address, ipv6: true)
        #expect(MediaAddress(&mapped.storage) == address)
    }
}
