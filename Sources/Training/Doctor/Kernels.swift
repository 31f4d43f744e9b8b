import Foundation
import TensorCore

/// What OpenBLAS says of itself, taken apart.
package struct BLASLibraryFacts: Equatable, Sendable {
    let version: String
    /// The processor whose kernels are in use.
    let kernels: String
    /// Whether kernels are chosen at run time, which `OPENBLAS_CORETYPE` can change.
    let isDynamic: Bool
    let isThreaded: Bool

    /// - Parameter configuration: as in `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Haswell`.
    package init(configuration: String, kernels: String, isThreaded: Bool) {
        let words = configuration.split(separator: " ")
        version = words.first == "OpenBLAS" && words.count > 1 ? String(words[1]) : "of unknown version"
        isDynamic = words.contains("DYNAMIC_ARCH")
        self.kernels = kernels
        self.isThreaded = isThreaded
    }

    static func current() -> BLASLibraryFacts {
        BLASLibraryFacts(
            configuration: BLASLibrary.configuration, kernels: BLASLibrary.kernels,
            isThreaded: BLASLibrary.isThreaded)
    }

    /// The vector instructions of the kernels; nil where the name is of another kind of processor.
    var level: Processor.VectorLevel? {
        switch kernels.lowercased() {
        case "skylakex", "cooperlake", "sapphirerapids", "zen4", "zen5": .avx512
        case "haswell", "zen", "excavator": .avx2
        case "sandybridge", "bulldozer", "piledriver", "steamroller": .avx
        case "prescott", "core2", "penryn", "dunnington", "nehalem", "atom", "nano", "katmai", "coppermine",
            "northwood", "banias", "opteron", "opteron_sse3", "barcelona", "bobcat":
            .sse
        default: nil
        }
    }
}

/// - Parameter forced: value of `OPENBLAS_CORETYPE`.
package func kernelsFinding(configuration facts: BLASLibraryFacts, processor: Processor, forced: String?)
    -> Finding
{
    let choice = forced.map { " (OPENBLAS_CORETYPE=\($0))" } ?? ""
    let found = "\(facts.version), \(facts.kernels) kernels\(choice)"
    guard facts.isThreaded else {
        return .warn(
            "OpenBLAS", found + ", built without threads",
            remedy: "apt-get install libopenblas0-pthread   # or the package of your system with threads")
    }
    guard let level = facts.level, level < processor.level else { return .ok("OpenBLAS", found) }
    let weaker = found + ": \(level.name), though the processor has \(processor.level.name)"
    if forced?.isEmpty == false {
        return .warn("OpenBLAS", weaker, remedy: "unset OPENBLAS_CORETYPE")
    }
    return .warn(
        "OpenBLAS", weaker,
        remedy: facts.isDynamic && processor.level == .avx512
            ? "export OPENBLAS_CORETYPE=SkylakeX" : "install a newer OpenBLAS, built with DYNAMIC_ARCH")
}
