import Foundation

/// A run so small that one start takes a fraction of a second, with a checkpoint after every iteration.
struct Job {
    let name: String
    /// `compose`, `align` or `pretrain`.
    let command: String
    let configuration: String
    /// What the run directory holds when nothing disturbs it.
    private(set) var expected = Outcome()
    /// A product in closed form, one with networks that are fitted first, an alignment, fits alone, and the alignment
    /// of a text-to-image model and the product of its concepts.
    static let all = [
        Job("exact", "compose", "kind: product\nscore: analytic\ntraining: {steps: 12, micro_batch: 32}\n"),
        Job("learned", "compose", "kind: product\nscore: learned\n" + training),
        Job("aligned", "align", "kind: alignment\nscore: learned\n" + training),
        Job("fitted", "pretrain", "kind: pretraining\nscore: learned\n"),
        Job("images", "align", images: imageAlignment),
        Job("concepts", "compose", images: conceptProduct),
    ]

    private static let imageAlignment = """
        kind: alignment
        rewards:
          - {name: saturation, reward: saturation-low, threshold: 0.5, normalize: base}
          - {name: brightness, reward: brightness-high, threshold: 0.2, normalize: base}
        adapter: {rank: 1}
        training: {steps: 4, settling: 2, batch: 4, micro_batch: 1}
        statistics: {batches: 2}
        evaluation: {samples: 8, pictures: 1, preview_every: 0}

        """

    private static let conceptProduct = """
        kind: product
        divergence: {steps: 2}
        training: {steps: 5, samples: 6, micro_batch: 1}
        distillation: {steps: 4, batch: 3, samples: 3, rank: 1}
        evaluation: {samples: 3, pictures: 1}

        """

    private static let training = """
        training: {steps: 8, primal_steps: 2, batch: 64, micro_batch: 32}
        mcmc: {levels: 3, steps_per_level: 1, chains: 64}

        """

    private static let common = """
        dimension: 2
        schedule: {train_steps: 20, beta_start: 0.005, beta_end: 0.6}
        sampling: {steps: 10}
        network: {hidden: 8, blocks: 1, embedding: 8}
        pretraining: {steps: 150, batch: 64, micro_batch: 32}
        evaluation: {samples: 512, micro_batch: 64}
        checkpoints: {every: 1, keep: 3, fit_seconds: 0.02}
        dual: {tolerance: 1.0e-9}
        models:
          - {name: wide, gaussian: {mean: [0.9, 0.0], covariance: [[0.3, 0.1], [0.1, 0.2]]}}

        """

    private init(_ name: String, _ command: String, _ particulars: String) {
        let further =
            command == "align"
            ? "rewards:\n  - {name: right, linear: [1.0, 0.0], threshold: 1.2}\n"
            : "  - {name: narrow, gaussian: {mean: [-0.4, 0.5], covariance: [[0.05, 0.0], [0.0, 0.08]]}}\n"
        (self.name, self.command, configuration) = (name, command, particulars + Job.common + further)
    }

    /// On the animals, below the current directory, at the least size there is.
    private init(_ name: String, _ command: String, images particulars: String) {
        (self.name, self.command) = (name, command)
        configuration =
            particulars + """
                model: \(FileManager.default.currentDirectoryPath)/examples/animals/model
                prompts: [a cat, a dog, a fox]
                sampling: {steps: 2, height: 16, width: 16}
                checkpoints: {every: 1, keep: 3}

                """
    }

    /// With what it gives undisturbed, on each of these numbers of ranks.
    ///
    /// - Throws: `Loss` if it fails, or if not all of them give the same bits.
    func prepared(_ launcher: Launcher, on ranks: [Int], in folder: String, _ pace: Pace) throws -> Job {
        var job = self
        for (index, count) in ranks.enumerated() {
            let directory = "\(folder)/\(name)-\(count)"
            let start = Start(job: self, directory: directory, ranks: count)
            let ending = try launcher.run(start)
            pace.learn(start, ending.seconds)
            guard ending.exitCode == 0 else {
                throw Loss("\(name), undisturbed on \(count) ranks: \(ending)")
            }
            if index == 0 { job.expected = try Outcome(of: directory) }
            try job.check(outcomeOf: directory)
            try FileManager.default.removeItem(atPath: directory)
        }
        return job
    }

    /// - Throws: `Loss` if a run that finished did not end as an undisturbed one.
    func check(outcomeOf directory: String) throws {
        let differences = try Outcome(of: directory).differences(from: expected)
        guard differences.isEmpty else {
            throw Loss("\(name) ended with \(differences.joined(separator: ", "))")
        }
    }
}
