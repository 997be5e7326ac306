import Testing

@testable import SIPCore

@Suite struct OctetSetTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var set: OctetSet
        var octets: String
        var withUTF8 = false
    }

    private static let alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    @Test(arguments: [
        Case(testDescription: "token", set: .token, octets: alphanumeric + "-.!%*_+`'~"),
        Case(testDescription: "digit", set: .digit, octets: "0123456789"),
        Case(testDescription: "scheme", set: .scheme, octets: alphanumeric + "+-."),
        Case(testDescription: "host", set: .host, octets: alphanumeric + "-._"),
        Case(testDescription: "IPv6", set: .ipv6, octets: "0123456789ABCDEFabcdef:."),
        Case(
            testDescription: "URI", set: .uri, octets: alphanumeric + "-_.!~*'()%&=+$,;?/:@[]#|^{}\\`", withUTF8: true),
        Case(testDescription: "unreserved", set: .unreservedUser, octets: alphanumeric + "-_.!~*'()+"),
        Case(
            testDescription: "parameter value", set: .parameterValue,
            octets: alphanumeric + "-.!%*_+`'~:[]/@?=&$()#|^{}", withUTF8: true),
        Case(
            testDescription: "display name", set: .displayName,
            octets: alphanumeric + "-.!%*_+`'~ \t()[]{}@/?=&$#|^", withUTF8: true),
    ])
    func holdsItsCharactersAndNoOthers(_ row: Case) {
        let members = Set(row.octets.utf8)
        for octet in UInt8.min...UInt8.max {
            #expect(row.set.contains(octet) == (members.contains(octet) || row.withUTF8 && octet >= 0x80), "\(octet)")
        }
    }
}
