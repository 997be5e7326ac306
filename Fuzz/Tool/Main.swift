#if !LIBFUZZER
    import Foundation
    import FuzzTargets

    /// `ibis-fuzz`: feeds the parsers and machines with mutated inputs until the time is over.
    @main
    enum Main {
        static let usage = """
            ibis-fuzz [--seconds N] [--messages N] [--target NAME]... [--seed N] [--corpus FOLDER] [--findings FOLDER]

            Feeds mutated inputs to the parsers and machines, each target in a process of its own, and exits with 1 when
            one of them traps, breaks a rule, takes more than 100 ms of CPU or lets memory grow.

              --seconds N        for all targets together (60)
              --messages N       for each target, instead of a time
              --target NAME      message, sdp, digest or sequence; all without it
              --seed N           another number, other inputs (1)
              --corpus FOLDER    what the inputs are made of (Fuzz/Corpus)
              --findings FOLDER  where inputs that did harm are written (Fuzz/Findings)
            """

        static func main() {
            guard let options = FuzzOptions(CommandLine.arguments.dropFirst()) else {
                print(usage)
                exit(2)
            }
            do {
                if options.progress != nil { exit(try FuzzChild(options).run()) }
                exit(try FuzzParent(options).run() ? 0 : 1)
            } catch {
                print("ibis-fuzz: \(error)")
                exit(2)
            }
        }
    }
#endif
