package import SIPCore

/// Which business number a call of a PBX goes out from.
package enum CallingNumber {
    /// The first of these that the INVITE names as its caller, in From, P-Asserted-Identity or P-Preferred-Identity; else
    /// the only one there is. Nil: it cannot be told.
    /// - Parameter numbers: those whose calls go to the PBX.
    package static func of(_ invite: Request, among numbers: [String]) -> String? {
        let named = identities(of: invite).lazy.compactMap { $0.uri.userWithoutParameters }
            .compactMap(BusinessNumber.normalised)
        return named.first(where: numbers.contains) ?? (numbers.count == 1 ? numbers.first : nil)
    }

    private static func identities(of invite: Request) -> [NameAddr] {
        let headers = invite.headers
        return [headers.from].compactMap { $0 }
            + (headers.elements(.pAssertedIdentity) + headers.elements("P-Preferred-Identity")).compactMap {
                NameAddr($0)
            }
    }
}

extension RoutingTable {
    /// The business numbers whose calls go to this peer.
    func numbers(of peer: String) -> [String] {
        numbers.filter { _, route in
            if case .peers(let members, _, _) = route { members.contains { $0.name == peer } } else { false }
        }.map(\.key)
    }
}
