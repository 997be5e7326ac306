/// What Meta demands of a business's edge, one rule each. Every rule names its source in meta-calling.
package enum MetaRule: String, Sendable, Hashable, CaseIterable {
    // MARK: TLS, the business connects to Meta
    case tlsServerName, tlsALPN, tlsHandshake
    // MARK: TLS, Meta connects to the business
    case tlsCertificate

    // MARK: Requests outside of dialogs
    case register, methodNotAllowed, optionsUnanswered
    case requestURIScheme, requestURIAddress, requestURIHost, requestURIUser, requestURITransport
    case fromUser, fromNumber, fromHost, toUser, maxForwards, contactMissing, contactForm, extensionRequired
    case sessionTimer, duplicateCall, permission, payment, appNotAuthorized, dailyLimit

    // MARK: Digest
    case digestRealm, digestRogueRealm, digestNonce, digestPairing, digestUsername, digestURI, digestForm,
        digestResponse
    case digestReplay, digestSeveral, digestCSeq

    // MARK: Offers and answers
    case sdpMissing, sdpMalformed, sdpProfile, sdpCrypto, sdpCodec, sdpOneStream, sdpPacketTime, sdpEvents, sdpAddress
    case sdpKeyReused, sdpAnswerCrypto, sdpAnswerPayload, sdpAnswerGroup, sdpAnswerMux, sdpDirection

    // MARK: Answers of the business
    case responseVia, responseDialog, responseConnection, recordRoute, answerContact, provisionalWithSDP
    case challengeForm, challengeRepeated, cancelUnanswered, byeUnanswered, refusalWithoutReason

    // MARK: Requests inside of dialogs
    case routeSet, remoteTarget, reINVITE, inDialogMethod, inDialogCSeq, noDialog, ackCSeq, ackBranch, ackMissing
    case refusalACKMissing

    // MARK: Media
    case mediaBeforeAnswer, mediaPlain, mediaSource, mediaSSRC, mediaAnnouncedSSRC, mediaPayloadType, mediaTimeline
    case mediaPacketTime, mediaEventClock, mediaAbsent, mediaStopped

    /// Where meta-calling states it.
    package var section: String { facts.section }
    /// In plain words, for integrators: what is asked for and what becomes of a call that does otherwise.
    package var meaning: String { facts.meaning }

    private var facts: (section: String, meaning: String) {
        switch self {
        case .tlsServerName: ("5.2", "TLS must name wa.meta.vc as its server (SNI)")
        case .tlsALPN: ("5.2", "TLS must offer no ALPN: Meta ends the handshake with alert 120")
        case .tlsHandshake: ("5.2", "connections to Meta are TLS of version 1.2 or 1.3")
        case .tlsCertificate:
            ("5.1", "the certificate must chain to a known authority and cover the configured host name")

        case .register: ("7.5", "nobody registers with Meta: 403")
        case .methodNotAllowed: ("7.5", "Meta takes INVITE, ACK, BYE, CANCEL, NOTIFY and OPTIONS only")
        case .optionsUnanswered: ("7.5", "Meta does not answer OPTIONS: it is no health check")
        case .requestURIScheme: ("5.2", "the Request-URI must be sip: with ;transport=tls, never sips: (404)")
        case .requestURIAddress: ("5.2", "the Request-URI must name wa.meta.vc, no IP address (404)")
        case .requestURIHost: ("7.4", "the Request-URI must be at wa.meta.vc (404)")
        case .requestURIUser: ("7.4", "the Request-URI's user is E.164 with + or a BSUID (500)")
        case .requestURITransport: ("7.4", "the Request-URI ends with ;transport=tls")
        case .fromUser: ("7.4", "From's user is the business number in E.164 with + (500)")
        case .fromNumber: ("10.1", "From's user must be a business number with calling over SIP (400)")
        case .fromHost: ("7.4", "From's host must be the number's configured host name or its parent (403)")
        case .toUser: ("7.4", "To is the called user at wa.meta.vc")
        case .maxForwards: ("12.2", "a request has Max-Forwards (RFC 3261 §8.1.1)")
        case .contactMissing: ("7.3", "INVITE and its 200 have a Contact")
        case .contactForm:
            ("7.3", "Contact must be host name and TLS port with ;transport=tls, as Meta's BYE goes there")
        case .extensionRequired: ("7.4", "Meta has no 100rel, timer or other extension to require (420)")
        case .sessionTimer: ("7.4", "ask Meta for no session timer: it takes no re-INVITE and no UPDATE")
        case .duplicateCall: ("9", "one call at a time between a business number and a user (403)")
        case .permission: ("10.1", "the user must have allowed calls (403)")
        case .payment: ("10.1", "the account must be billable (403)")
        case .appNotAuthorized: ("10.1", "the app that wrote the SIP settings must own the number (403)")
        case .dailyLimit: ("10.1", "so many connected calls to one user in 24 hours, then 403")

        case .digestRealm: ("6.2", "credentials are for realm wa.meta.vc")
        case .digestRogueRealm: ("6.2", "a challenge for another realm than wa.meta.vc is never answered")
        case .digestNonce: ("6.2", "the nonce is one of the last challenge")
        case .digestPairing: ("6.2", "nonce, opaque and algorithm are of one and the same challenge")
        case .digestUsername: ("6.1", "the user name is the business number without +, the one in From")
        case .digestURI: ("6.2", "the digest's uri is the Request-URI")
        case .digestForm: ("6.1", "credentials can be read and have qop=auth with cnonce and nc")
        case .digestResponse: ("10.1", "the digest response must be right (403, no new challenge)")
        case .digestReplay: ("6.2", "each use of a nonce has an nc of its own")
        case .digestSeveral: ("6.2", "one of the two challenges is answered, not both")
        case .digestCSeq: ("12.2", "the answer to a challenge has the next CSeq and a new branch, and To without tag")

        case .sdpMissing: ("7.4", "an INVITE has an SDP offer, a 200 its answer (403)")
        case .sdpMalformed: ("10.1", "SDP can be read (403)")
        case .sdpProfile: ("11.1", "the profile is RTP/SAVP in SDES mode: media is always encrypted (403)")
        case .sdpCrypto: ("11.3", "an a=crypto line with AES_CM_128_HMAC_SHA1_80 or _32 and a 30 octet key (403)")
        case .sdpCodec: ("11.2", "Opus at 48 kHz is always there, G.711 only where it is configured (403)")
        case .sdpOneStream: ("11.2", "one audio stream and no other m= line (403)")
        case .sdpPacketTime: ("11.2", "packets hold 20 ms")
        case .sdpEvents: ("11.6", "telephone-event has 8 kHz, and payload type 126 is nothing else")
        case .sdpAddress: ("11.1", "c= and m= say where media can be sent (403)")
        case .sdpKeyReused: ("11.3", "each description has a fresh key")
        case .sdpAnswerCrypto: ("11.3", "the answer has one a=crypto with the tag and suite of the offer")
        case .sdpAnswerPayload: ("11.1", "the answer keeps the payload types of the offer")
        case .sdpAnswerGroup: ("11.1", "where the answer has mid and group, they are those of the offer")
        case .sdpAnswerMux: ("11.1", "the answer has rtcp-mux, as the offer has")
        case .sdpDirection: ("11.1", "a call's audio goes both ways from the start")

        case .responseVia: ("5.3", "all Via lines come back as they were sent, received and rport filled in")
        case .responseDialog: ("12.1", "From, Call-ID, CSeq and the tag of To come back as they were")
        case .responseConnection: ("5.3", "a response goes over the connection that its request came by")
        case .recordRoute:
            ("7.3", "the 200 has both Record-Route lines, octet for octet and in order; else the ACK never arrives")
        case .answerContact: ("7.3", "the 200's Contact is the configured host name and TLS port with ;transport=tls")
        case .provisionalWithSDP: ("8", "no SDP before the 200: clients take it for an answer")
        case .challengeForm: ("6.3", "a challenge is digest with MD5 and qop=auth, with a realm and a nonce")
        case .challengeRepeated: ("6.3", "an answered challenge is not repeated, unless as stale")
        case .cancelUnanswered: ("12.2", "CANCEL gets 200 and its INVITE 487")
        case .byeUnanswered: ("8", "a BYE is answered with 200")
        case .refusalWithoutReason: ("8", "a refusal is a final 4xx to 6xx with a phrase")

        case .routeSet: ("7.3", "the Route lines are Meta's, octet for octet and in order (404)")
        case .remoteTarget: ("7.3", "the Request-URI is Meta's Contact, octet for octet (404)")
        case .reINVITE: ("7.5", "Meta takes no re-INVITE: 500")
        case .inDialogMethod: ("7.5", "no UPDATE, INFO, REFER, PRACK or the like is sent to Meta")
        case .inDialogCSeq: ("12.1", "CSeq grows with each request (500)")
        case .noDialog: ("12.1", "a request with a tag on To belongs to a call that is up (481)")
        case .ackCSeq: ("12.2", "the ACK has the CSeq number of its INVITE")
        case .ackBranch: ("12.2", "the ACK to a 200 has a branch of its own")
        case .ackMissing: ("12.2", "a 200 is acknowledged; without ACK the call ends after 32 s")
        case .refusalACKMissing: ("12.2", "a refusal is acknowledged on its INVITE's branch")

        case .mediaBeforeAnswer: ("8", "no RTP before the 200: clients take it for an answer")
        case .mediaPlain: ("11.7", "media is SRTP with the key of the SDP")
        case .mediaSource: ("11.7", "media is sent from the address and port of the SDP")
        case .mediaSSRC: ("11.2", "one SSRC for the whole call: another garbles the sound")
        case .mediaAnnouncedSSRC: ("11.1", "the SSRC is the one that a=ssrc announced")
        case .mediaPayloadType: ("11.1", "packets have a payload type that was agreed on")
        case .mediaTimeline: ("11.2", "sequence numbers and timestamps go on without a break")
        case .mediaPacketTime: ("11.2", "an Opus packet holds 20 ms")
        case .mediaEventClock: ("11.6", "the duration of a telephone event counts in 8 kHz units")
        case .mediaAbsent: ("2", "the business sends first; without any media for 20 s Meta hangs up")
        case .mediaStopped: ("2", "without RTP and RTCP for 30 s Meta hangs up")
        }
    }
}

/// A rule that the business's edge broke.
package struct Violation: Sendable, Hashable, CustomStringConvertible {
    package var rule: MetaRule
    /// What was seen; numbers and secrets are left out.
    package var detail: String

    package init(_ rule: MetaRule, _ detail: String = "") {
        self.rule = rule
        self.detail = detail
    }

    package var description: String {
        "\(rule.meaning) (meta-calling §\(rule.section))" + (detail.isEmpty ? "" : "; seen: \(detail)")
    }
}
