import ArgumentParser
import WabaBridge

struct NumberCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "number", abstract: "The business numbers and where their calls go.",
        subcommands: [Add.self, List.self, Remove.self], defaultSubcommand: List.self)

    @Sendable static func member(_ text: String) throws -> NumberRecord.Member {
        guard let member = NumberRecord.Member(written: text) else {
            throw ValidationError("--peer is a peer's name, or name=weight with a weight of 1 to 1000")
        }
        return member
    }

    @Sendable static func spread(_ text: String) throws -> NumberRecord.Spread {
        guard let spread = NumberRecord.Spread(rawValue: text.lowercased()) else {
            throw ValidationError("--spread is order, weight or hash")
        }
        return spread
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a number, or changes where it goes.",
            discussion: """
                ibis number add +15550100001 --peer asterisk
                ibis number add +15550100001 --peer asterisk --extension 100
                ibis number add +15550100001 --peer office --peer cellar --spread order
                ibis number add +15550100001 --peer office=3 --peer cellar --spread weight --replace
                ibis number add +15550100001 --echo --replace
                ibis number add +15550100001 --peer asterisk --replace --password-stdin --challenge < password.txt

                Of several peers the first that is up and has room gets a call: as they are listed (order), by chance \
                according to their weights (weight), or the same one for the same caller (hash). When it does not answer, \
                or answers 408 or 5xx, the next one is tried. Meta's terms forbid PSTN on any leg of a WhatsApp call: a \
                peer that passes it on to the telephone network breaks them.

                The password is sip_user_password of the number at Meta. With it the PBX can call WhatsApp users from this \
                number, and with --challenge a call from Meta must prove that it knows it. It is sealed in the store and \
                never shown again. --replace keeps password, challenge and domain unless they are given.
                """)

        @OptionGroup var store: StoreOptions
        @Argument(help: "The number as it is at Meta: + and 7 to 15 digits.")
        var number: String
        @Option(
            help: ArgumentHelp(
                "Relay its calls to this peer; repeat it for more, with =weight behind the name or not.",
                valueName: "name[=weight]"), transform: NumberCommand.member)
        var peer: [NumberRecord.Member] = []
        @Option(
            help: ArgumentHelp("Which of several peers comes first: order, weight or hash.", valueName: "how"),
            transform: NumberCommand.spread)
        var spread: NumberRecord.Spread?
        @Option(
            name: .customLong("extension"),
            help: ArgumentHelp("Dial this at the peer instead of the number.", valueName: "digits"))
        var dialled: String?
        @Flag(help: "Answer its calls here: a greeting, then the caller hears himself.")
        var echo = false
        @OptionGroup var password: PasswordOptions
        @Flag(
            inversion: .prefixedNo,
            help: "Calls from Meta to this number must answer a digest challenge; needs the password.")
        var challenge: Bool?
        @Option(
            help: ArgumentHelp(
                "The host name that is entered at Meta for this number when it is not sip.hostname; \"\" takes it away.",
                valueName: "name"))
        var domain: String?
        @Flag(help: "Change the number when it is there already.")
        var replace = false

        func validate() throws {
            guard peer.isEmpty == echo else {
                throw ValidationError("Say where its calls go: either --peer name or --echo.")
            }
            guard dialled == nil || !peer.isEmpty else { throw ValidationError("--extension goes with --peer.") }
            guard spread == nil || peer.count > 1 else {
                throw ValidationError("--spread goes with more than one --peer.")
            }
        }

        func run() async throws {
            let destination: NumberRecord.Destination =
                echo ? .application("echo") : .peers(peer, spread ?? .order, extension: dialled)
            var record = NumberRecord(number: NumberRecord.normalised(number) ?? number, destination: destination)
            let store = try await store.openOrMake()
            if replace, let old = try await store.snapshot().numbers.first(where: { $0.number == record.number }) {
                (record.password, record.challenge, record.domain) = (old.password, old.challenge, old.domain)
            }
            if password.noPassword { record.password = nil }
            if let secret = try password.read() {
                record.password = try self.store.secrets(making: true).seal(secret, for: .number(record.number))
            }
            if let challenge { record.challenge = challenge }
            if let domain { record.domain = domain.isEmpty ? nil : domain.lowercased() }
            if record.challenge, record.password == nil {
                throw CommandFailure(
                    "a challenge can be checked only with the number's password: add --password-stdin or --password-file, "
                        + "or --no-challenge")
            }
            try await store.put(record, replacing: replace)
            Output.line("\(record.number) → \(record.words). \(Words.takenUp)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the numbers.")

        @OptionGroup var store: StoreOptions

        func run() async throws {
            let numbers = try await store.read().numbers
            guard !numbers.isEmpty else {
                Output.line("No numbers yet: ibis number add +15550100001 --echo adds one.")
                return
            }
            for number in numbers { Output.line("\(number.number) → \(number.words)") }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Removes a number: its calls are refused then.")

        @OptionGroup var store: StoreOptions
        @Argument var number: String

        func run() async throws {
            let number = NumberRecord.normalised(number) ?? number
            try await store.open().removeNumber(number)
            Output.line("\(number) is removed. \(Words.takenUp)")
        }
    }
}

/// Sentences that several commands say.
enum Words {
    static let takenUp = "A running Ibis takes it up within a second."

    static func count(_ count: Int, _ thing: String) -> String { "\(count) \(thing)\(count == 1 ? "" : "s")" }
}

extension NumberRecord {
    /// For people: `peer asterisk (password set, challenged)`; never the password.
    var words: String {
        var more: [String] = []
        if password != nil { more.append("password set") }
        if challenge { more.append("challenged") }
        if let domain { more.append("at \(domain)") }
        return destination.words + (more.isEmpty ? "" : " (\(more.joined(separator: ", ")))")
    }

    fileprivate static func words(_ members: [Member], _ spread: Spread) -> String {
        if let only = members.first, members.count == 1 { return "peer \(only.name)" }
        let names = members.map(spread == .order ? \.name : \.written).joined(separator: ", ")
        return switch spread {
        case .order: "peers \(names) in this order"
        case .weight: "peers \(names) by weight"
        case .hash: "peers \(names) by caller"
        }
    }
}

extension NumberRecord.Destination {
    /// For people: `echo`, `peer asterisk, extension 100`, `peers office=3, cellar by weight`.
    var words: String {
        switch self {
        case .peers(let members, let spread, let dialled):
            NumberRecord.words(members, spread) + (dialled.map { ", extension \($0)" } ?? "")
        case .application(let name): name
        }
    }
}
