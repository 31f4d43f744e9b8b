import Foundation

/// A run so small that one start takes a fraction of a second, with a checkpoint after every iteration.
struct Job {
    let name: String
    let configuration: String
    /// What the run directory holds when nothing disturbs it.
    private(set) var expected: [String: Data] = [:]
    /// Seconds that an undisturbed start takes, by the number of ranks (0: without mpirun).
    private(set) var seconds: [Int: Double] = [:]

    static let all = [
        Job(name: "exact", configuration: head + "score: analytic\ntraining: {steps: 12, micro_batch: 32}\n"),
        Job(
            name: "learned",
            configuration: head + """
                score: learned
                network: {hidden: 8, blocks: 1, embedding: 8}
                pretraining: {steps: 150, batch: 64, micro_batch: 32}
                training: {steps: 8, primal_steps: 2, batch: 64, micro_batch: 32}
                mcmc: {levels: 3, steps_per_level: 1, chains: 64}

                """),
    ]

    private static let head = """
        kind: product
        dimension: 2
        models:
          - {name: wide, gaussian: {mean: [0.9, 0.0], covariance: [[0.3, 0.1], [0.1, 0.2]]}}
          - {name: narrow, gaussian: {mean: [-0.4, 0.5], covariance: [[0.05, 0.0], [0.0, 0.08]]}}
        schedule: {train_steps: 20, beta_start: 0.005, beta_end: 0.6}
        sampling: {steps: 10}
        evaluation: {samples: 512, micro_batch: 64}
        checkpoints: {every: 1, keep: 3, fit_seconds: 0.02}
        dual: {tolerance: 1.0e-9}

        """

    private init(name: String, configuration: String) {
        self.name = name
        self.configuration = configuration
    }

    /// Runs undisturbed on every number of ranks.
    mutating func prepare(_ launcher: Launcher, in folder: String) throws {
        for ranks in 0...4 {
            let directory = "\(folder)/\(name)-\(ranks)"
            let started = Date()
            let ending = try launcher.start(self, directory, ranks: ranks)
            seconds[ranks] = Date().timeIntervalSince(started)
            guard ending.exitCode == 0 else { throw Loss("undisturbed run on \(ranks) ranks: \(ending)") }
            let found = try Job.outcome(of: directory)
            if expected.isEmpty { expected = found }
            guard found == expected else { throw Loss("undisturbed run on \(ranks) ranks differs") }
            try FileManager.default.removeItem(atPath: directory)
        }
    }

    /// - Throws: `Loss` if a run that finished did not end as an undisturbed one.
    func check(outcomeOf directory: String) throws {
        let outcome = try Job.outcome(of: directory)
        let faults = Set(outcome.keys).union(expected.keys).sorted().compactMap { name -> String? in
            guard let actual = outcome[name] else { return "no \(name)" }
            guard let wanted = expected[name] else { return "\(name) is left over" }
            return actual == wanted ? nil : "other \(name)"
        }
        guard faults.isEmpty else { throw Loss("ended with \(faults.joined(separator: ", "))") }
    }

    /// All that must not depend on ranks, disturbances and the time of day.
    static func outcome(of directory: String) throws -> [String: Data] {
        var outcome: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            let file = "\(directory)/\(name)"
            switch name {
            case "summary.json": outcome[name] = try text(file, without: ["seconds", "ranks"])
            case "metrics.jsonl": outcome[name] = try text(file, without: ["seconds"])
            case "baselines.json", "config.yaml", "model.safetensors", "samples.safetensors":
                outcome[name] = try Data(contentsOf: URL(fileURLWithPath: file))
            case _ where name.hasPrefix("checkpoint-") && !name.contains(".damaged"):
                outcome[name] = try Data(contentsOf: URL(fileURLWithPath: file + "/state.h5"))
            case ".lock", "STOP", "metrics.csv", "fit": break
            case _ where name.hasPrefix("events.") || name.contains(".damaged"): break
            default: outcome[name] = Data()
            }
        }
        return outcome
    }

    /// JSON text without some members, whose values are numbers.
    private static func text(_ file: String, without names: [String]) throws -> Data {
        let member = try Regex("\"(\(names.joined(separator: "|")))\" ?: ?[-+.e0-9]+")
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
        return Data(text.replacing(member, with: "").utf8)
    }
}

/// Something that should not have happened.
struct Loss: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
