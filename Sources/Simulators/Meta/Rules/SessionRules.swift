import SIPCore

/// Judges the session descriptions of a business, offers and answers in SDES mode (meta-calling §11.1 to §11.3, §11.6).
struct SessionRules: Sendable {
    /// Keys seen so far, to notice one that comes again.
    private var keys: Set<[UInt8]> = []

    /// What is wrong with a description, and whether Meta can go on at all.
    struct Finding: Sendable, Hashable {
        var violations: [Violation]
        /// The one for which Meta gives the call up: 403 "SDP validation", or BYE.
        var fatal: Violation? { violations.first { Self.fatalRules.contains($0.rule) } }
        /// SSRC of `a=ssrc`.
        var announced: UInt32?

        private static let fatalRules: Set<MetaRule> = [
            .sdpMissing, .sdpMalformed, .sdpProfile, .sdpCrypto, .sdpCodec, .sdpOneStream, .sdpAddress,
            .sdpAnswerCrypto,
            .sdpAnswerPayload,
        ]
    }

    /// Of the business's INVITE, the one with credentials.
    mutating func offer(_ body: [UInt8], contentType: String?) -> Finding {
        var judge = Judge(body, contentType)
        judge.common()
        if let crypto = judge.stream?.cryptos.first(where: \.isUsable), !keys.insert(crypto.masterKeyAndSalt).inserted {
            judge.note(.sdpKeyReused)
        }
        return judge.finding
    }

    /// Of the business's 200.
    /// - Parameter offered: Meta's own offer.
    mutating func answer(_ body: [UInt8], contentType: String?, offered: [UInt8]) -> Finding {
        var judge = Judge(body, contentType)
        judge.common()
        if let offer = try? SessionDescription(parsing: offered.span), let theirs = try? AudioStream(offer),
            let answer = judge.description, let stream = judge.stream
        {
            judge.answers(stream, answer, to: theirs, of: offer)
            if let crypto = stream.cryptos.first, !keys.insert(crypto.masterKeyAndSalt).inserted {
                judge.note(.sdpKeyReused)
            }
        }
        return judge.finding
    }

    private struct Judge {
        private(set) var finding = Finding(violations: [])
        private(set) var description: SessionDescription?
        private(set) var stream: AudioStream?

        init(_ body: [UInt8], _ contentType: String?) {
            guard !body.isEmpty else {
                note(.sdpMissing)
                return
            }
            guard contentType == "application/sdp" else {
                note(.sdpMalformed, contentType ?? "no Content-Type")
                return
            }
            do {
                let description = try SessionDescription(parsing: body.span)
                self.description = description
                stream = try AudioStream(description)
            } catch let error as SDPError {
                note(.sdpMalformed, error.description)
            } catch SDPRefusal.badAddress {
                note(.sdpAddress)
            } catch {
                note(.sdpCodec, "no audio")
            }
        }

        mutating func note(_ rule: MetaRule, _ detail: String = "") {
            if !finding.violations.contains(where: { $0.rule == rule }) {
                finding.violations.append(Violation(rule, detail))
            }
        }

        /// What holds for offers and answers alike.
        mutating func common() {
            guard let description, let stream else { return }
            let media = description.media[stream.index]
            if description.media.count != 1 { note(.sdpOneStream, "\(description.media.count) m= lines") }
            if media.attributes("ssrc").count > 1 {
                let sources = Set(media.attributes("ssrc").map { String($0.prefix { $0 != " " }) })
                if sources.count > 1 { note(.sdpOneStream, "\(sources.count) SSRCs") }
            }
            finding.announced = media.attribute("ssrc").flatMap { UInt32($0.prefix { $0 != " " }) }
            if stream.profile != .rtpSAVP { note(.sdpProfile, media.transport) }
            if !stream.cryptos.contains(where: \.isUsable) {
                note(.sdpCrypto, stream.hasCrypto ? "none that can be used" : "none")
            }
            if InviteRules.isAddress(stream.address) == false || stream.address == "0.0.0.0" || stream.address == "::" {
                note(.sdpAddress, "no address")
            } else if stream.direction != .sendrecv {
                note(.sdpDirection, stream.direction.rawValue)
            }
            codecs(stream)
            if let ptime = stream.ptime, ptime != 20 { note(.sdpPacketTime, "ptime \(ptime)") }
        }

        private mutating func codecs(_ stream: AudioStream) {
            guard stream.codecs.contains(where: { $0.name == "opus" }) else { return note(.sdpCodec, "no Opus") }
            for codec in stream.codecs {
                switch codec.name {
                case "opus" where codec.clockRate != 48_000: note(.sdpCodec, "Opus at \(codec.clockRate) Hz")
                case "opus" where codec.channels != 2: note(.sdpCodec, "Opus with \(codec.channels) channel, not /2")
                default: break
                }
                if codec.payloadType == 126 { note(.sdpEvents, "126 is \(codec.name)") }
            }
            for event in stream.telephoneEvents where event.clockRate != 8_000 {
                note(.sdpEvents, "\(event.clockRate) Hz")
            }
        }

        mutating func answers(
            _ stream: AudioStream, _ answer: SessionDescription, to offer: AudioStream, of offered: SessionDescription
        ) {
            let media = answer.media[stream.index]
            if answer.media.count != offered.media.count { note(.sdpOneStream, "\(answer.media.count) m= lines") }
            let lines = media.attributes("crypto")
            if lines.count != 1 { note(.sdpAnswerCrypto, "\(lines.count) lines") }
            if let ours = offer.cryptos.first, let theirs = stream.cryptos.first {
                if theirs.tag != ours.tag { note(.sdpAnswerCrypto, "tag \(theirs.tag) instead of \(ours.tag)") }
                if theirs.suite != ours.suite { note(.sdpAnswerCrypto, theirs.suite.rawValue) }
                if theirs.masterKeyAndSalt == ours.masterKeyAndSalt { note(.sdpKeyReused, "Meta's own key") }
            }
            for codec in stream.codecs + stream.telephoneEvents {
                let known = (offer.codecs + offer.telephoneEvents).contains {
                    $0.payloadType == codec.payloadType && $0.name == codec.name && $0.clockRate == codec.clockRate
                }
                if !known { note(.sdpAnswerPayload, "\(codec.payloadType) \(codec.name)") }
            }
            if let mid = stream.mid, mid != offer.mid { note(.sdpAnswerGroup, "mid \(mid)") }
            if answer.attribute("group") != nil, !stream.bundled { note(.sdpAnswerGroup, "group") }
            if !stream.rtcpMux { note(.sdpAnswerMux) }
        }
    }
}
