import Foundation

/// What this machine has for Saddle, what is missing, and what to do about it.
public struct Diagnosis: Sendable, Encodable {
    /// Whether nothing stands in the way of a run.
    public let isUsable: Bool
    public let version: String
    public let findings: [Finding]

    enum CodingKeys: String, CodingKey {
        case isUsable = "usable"
        case version, findings
    }

    public init(_ findings: [Finding]) {
        self.findings = findings
        version = saddleVersion
        isUsable = !findings.contains { $0.verdict == .fail }
    }

    /// 0, or EX_UNAVAILABLE where something fails.
    public var exitCode: Int32 { isUsable ? 0 : ExitStatus.unavailable }

    /// A line per finding, and its remedy below.
    public var text: String {
        let width = findings.map(\.subject.count).max() ?? 0
        let lines = findings.flatMap { finding in
            let subject = finding.subject.padding(toLength: width, withPad: " ", startingAt: 0)
            let verdict = finding.verdict.rawValue.padding(toLength: 4, withPad: " ", startingAt: 0)
            let indent = String(repeating: " ", count: verdict.count + width + 4)
            let remedy = finding.remedy.map { ["\(indent)-> \($0)"] } ?? []
            return ["\(verdict)  \(subject)  \(finding.found)"] + remedy
        }
        return lines.joined(separator: "\n")
    }

    public var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}

/// Examines this machine.
///
/// Takes a second or two: it starts two ranks and, where Slurm is installed, asks for its MPI plugins.
public func diagnose() -> Diagnosis {
    let environment = ProcessInfo.processInfo.environment
    let processor = Processor.current()
    let cores = Processor.usableCores()
    return Diagnosis(
        [
            processorFinding(processor, cores: cores, quota: ControlGroup.coreQuota()),
            memoryFinding(Memory.current(), limit: ControlGroup.memoryLimit()),
            kernelsFinding(
                configuration: BLASLibraryFacts.current(), processor: processor,
                forced: environment["OPENBLAS_CORETYPE"]),
            threadsFinding(environment, cores: cores),
        ] + mpiFindings(environment, cores: cores) + [
            slurmFinding(environment),
            sharedMemoryFinding(Volume("/dev/shm")),
            hdf5Finding(),
            diskFinding(Volume(".")),
            localeFinding(environment),
        ])
}
