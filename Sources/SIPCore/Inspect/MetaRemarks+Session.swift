extension MetaRemarks {
    /// What a session description must be on either side of Meta (meta-calling §11).
    mutating func session(_ way: MessageInspection.Way) {
        guard let description else { return }
        let audio = description.media.filter { $0.kind == "audio" }
        guard let media = audio.first(where: { $0.port != 0 }) else {
            return problem("no-audio", "The SDP has no audio stream with a port")
        }
        if description.media.filter({ $0.port != 0 }).count > 1 {
            warning("streams", "Meta takes one stream in a call; the SDP has more")
        }
        keys(media, in: description)
        codecs(media)
        if Set(media.attributes("ssrc").compactMap { SDPText.fields($0).first }).count > 1 {
            problem(
                "ssrc", "The SDP names several SSRCs; Meta's relay loses sound unless there is one for the whole call")
        }
        if way == .toMeta { place(media, in: description) }
    }

    private mutating func keys(_ media: MediaDescription, in session: SessionDescription) {
        let profile = AudioStream.Profile(media.transport)
        let fingerprints =
            media.attributes("fingerprint").count + session.attributes.filter { $0.name == "fingerprint" }.count
        let hasCrypto = media.attribute("crypto") != nil
        if profile.isPlain {
            problem("plain-rtp", "\(media.transport) is not encrypted; Meta takes SRTP only")
        } else if profile.isSDES, !hasCrypto, fingerprints == 0 {
            problem("no-crypto", "\(media.transport) needs an a=crypto line, AES_CM_128_HMAC_SHA1_80 for one")
        } else if profile.isSDES, hasCrypto, !media.cryptos.contains(where: \.isUsable) {
            problem(
                "no-usable-crypto",
                "No a=crypto line can be used: AES_CM_128_HMAC_SHA1_80 or _32, 40 characters of key, no MKI")
        } else if profile.isDTLS || (!hasCrypto && fingerprints > 0) {
            warning(
                "dtls",
                "The number is on DTLS-SRTP; Ibis takes SDES: set srtp_key_exchange_protocol of the number to SDES")
            if fingerprints == 0 { problem("fingerprint", "DTLS needs one a=fingerprint line") }
            if (media.attribute("ice-ufrag") ?? session.attribute("ice-ufrag")) == nil {
                problem("no-ice", "DTLS goes with ICE at Meta, and there is no a=ice-ufrag")
            }
        }
        if fingerprints > 1 {
            problem("fingerprints", "There are \(fingerprints) a=fingerprint lines; Meta refuses more than one")
        }
    }

    private mutating func codecs(_ media: MediaDescription) {
        let reading = media.formats.map { format in
            (format: format, name: SDPText.lowercased(media.rtpmap(for: format) ?? ""))
        }
        if !reading.contains(where: { $0.name.hasPrefix("opus/48000") }) {
            warning(
                "no-opus", "There is no Opus; G.711 needs audio.additional_codecs of the number, and Ibis wants Opus")
        }
        let events = reading.filter { $0.name.hasPrefix("telephone-event") }
        if let other = reading.first(where: { $0.format == "126" && !$0.name.hasPrefix("telephone-event") }) {
            let use = other.name.isEmpty ? "not mapped" : other.name
            problem("payload-126", "Payload type 126 is \(use); Meta always takes it for telephone-event")
        }
        if events.isEmpty {
            note("no-events", "There is no telephone-event; Meta sends key presses with payload type 126 all the same")
        } else if !events.contains(where: { $0.name.hasPrefix("telephone-event/8000") }) {
            warning("event-clock", "Meta knows telephone-event of 8000 Hz only")
        }
        if let ptime = media.attribute("ptime"), ptime != "20" {
            warning("ptime", "a=ptime is not 20 ms")
        }
    }

    private mutating func place(_ media: MediaDescription, in session: SessionDescription) {
        let direction = media.direction ?? session.attributes.direction ?? .sendrecv
        if direction == .recvonly || direction == .inactive {
            warning(
                "direction", "a=\(direction.rawValue): Meta ends calls in which the business sends nothing for 20 s")
        }
        guard let address = (media.connection ?? session.connection)?.address, let literal = IPLiteral(address) else {
            return problem("media-address", "There is no c= line with an IP address to send to")
        }
        if literal.isUnspecified || literal.isMulticastOrBroadcast {
            problem("media-address", "\(address) in c= is no address to send to")
        } else if literal.isPrivate {
            problem("private-media", "\(address) in c= is an address of your inner network: Meta cannot send there")
        }
    }
}

extension IPLiteral {
    /// Not reachable from outside: RFC 1918, RFC 6598, RFC 4193, loopback and link-local.
    var isPrivate: Bool {
        switch self {
        case .v4(let address):
            return switch (address >> 24, address >> 16 & 0xFF) {
            case (10, _), (127, _), (192, 168), (169, 254), (172, 16...31), (100, 64...127): true
            default: false
            }
        case .v6(let groups):
            guard let first = groups.first else { return false }
            let isLoopback = groups.dropLast().allSatisfy { $0 == 0 } && groups.last == 1
            return isLoopback || first & 0xFE00 == 0xFC00 || first & 0xFFC0 == 0xFE80
        }
    }
}
