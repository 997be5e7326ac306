import Foundation
import SIPCore

/// An inspection for people: what it is, what is wrong, its fields, its session description, remarks.
struct InspectionText {
    private(set) var text = ""

    init(_ inspection: MessageInspection) {
        verdict(inspection)
        if !inspection.fields.isEmpty {
            line("")
            line("Header fields")
            for field in inspection.fields { line("  \(field.name): \(field.value)") }
        }
        if inspection.bodyOctets > 0 {
            line("")
            line("Body: \(inspection.bodyType ?? "no type"), \(inspection.bodyOctets) octets")
        }
        if let problem = inspection.sdpProblem { line("  It cannot be read: \(problem)") }
        for stream in inspection.sdp?.streams ?? [] { describe(stream) }
        guard !inspection.remarks.isEmpty else { return }
        line("")
        line("Remarks")
        for severity in [Remark.Severity.problem, .warning, .note] {
            for remark in inspection.remarks where remark.severity == severity {
                line("  \(severity.rawValue): \(remark.text) [\(remark.code)]")
            }
        }
    }

    private mutating func verdict(_ inspection: MessageInspection) {
        if let problem = inspection.problem {
            line("Malformed: \(problem.reason) (line \(problem.line), offset \(problem.offset)).")
            if let answer = inspection.answer {
                line("It is answered \(answer.status) \(answer.reason).")
            } else {
                line("It is not answered: it is no request, or what an answer needs cannot be read.")
            }
            return
        }
        let what =
            inspection.status.map { "\($0) \(inspection.reason ?? "") to \(inspection.method ?? "")" }
            ?? "\(inspection.method ?? "") \(inspection.requestURI ?? "")"
        line("Valid: \(inspection.kind ?? "message") \(what)")
        switch inspection.way {
        case .fromMeta: line("It comes from Meta.")
        case .toMeta: line("It goes to Meta.")
        case nil: break
        }
        if let answer = inspection.answer {
            line("It would be refused: \(answer.status) \(answer.reason): \(answer.warning)")
        }
    }

    private mutating func describe(_ stream: SDPReading.Stream) {
        let place = "\(stream.address ?? "no address") port \(stream.port)"
        line("  \(stream.kind) at \(place), \(stream.profile), \(stream.direction)")
        for codec in stream.codecs {
            let parameters = codec.parameters.map { " (\($0))" } ?? ""
            line("    \(codec.payloadType) \(codec.encoding ?? "unknown")\(parameters)")
        }
        for crypto in stream.crypto { line("    crypto \(crypto) <key hidden>") }
        var extras: [String] = []
        if stream.fingerprints > 0 { extras.append(Words.count(stream.fingerprints, "fingerprint")) }
        if stream.ice { extras.append("ICE") }
        if stream.rtcpMux { extras.append("RTCP on the same port") }
        if let ptime = stream.ptime { extras.append("packets of \(ptime) ms") }
        if !extras.isEmpty { line("    \(extras.joined(separator: ", "))") }
    }

    /// Control characters of the message must not reach the terminal.
    private mutating func line(_ content: String) {
        for scalar in content.unicodeScalars {
            if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        text += "\n"
    }
}

extension MessageInspection {
    /// One object with sorted keys; what is absent in the message is absent here.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
