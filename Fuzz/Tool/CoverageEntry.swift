#if LIBFUZZER
    import Foundation
    import FuzzTargets

    private let target = ProcessInfo.processInfo.environment["IBIS_FUZZ_TARGET"].flatMap { FuzzTarget(rawValue: $0) }

    /// What libFuzzer calls with each of its inputs; the target is named by IBIS_FUZZ_TARGET.
    @_cdecl("LLVMFuzzerTestOneInput")
    public func testOneInput(_ octets: UnsafePointer<UInt8>, _ count: Int) -> CInt {
        guard let target else { fatalError("set IBIS_FUZZ_TARGET to message, sdp, digest or sequence") }
        do throws(FuzzFinding) {
            // Valid for the call only, and copied.
            try target.run(Array(UnsafeBufferPointer(start: octets, count: count)))
        } catch {
            fatalError("\(error)")
        }
        return 0
    }
#endif
