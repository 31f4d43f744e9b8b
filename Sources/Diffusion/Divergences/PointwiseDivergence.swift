import TensorCore

extension LogNoiseQuadrature {
    /// Sums over the samples of KL(p‖q_i) in nats by Lemma 2, ∫ ‖ε_p − ε_i‖² d(log γ), for several models i.
    ///
    /// The expectation is over p, so the samples must be p's; swap the roles for KL(q_i‖p). All predictions must
    /// be true scores of noised distributions. All models see the same noised samples. Sums of parts of a batch
    /// add up to the sum of the batch; divide by the number of samples. Nothing is recorded.
    ///
    /// - Parameters:
    ///   - samples: x_0 of p, `[N, …]`.
    ///   - noise: the noise put on them; its first sample also decides each sample's nodes.
    ///   - stride: each sample visits every `stride`-th node only; use batches that are multiples of it.
    ///   - predictions: ε_p and every ε_i at noised samples.
    /// - Returns: one sum per model.
    public func divergenceSums(
        of samples: Tensor, noise: SampleNoise, stride: Int = 1,
        predictions: (_ x: Tensor, _ timesteps: Timesteps) throws -> (p: Tensor, models: [Tensor])
    ) throws -> [Double] {
        var sums: [Double] = []
        try forEachTerm(of: samples, noise, stride, 1, predictions) { models, i, _, term in
            if sums.isEmpty { sums = Array(repeating: 0, count: models) }
            sums[i] += term
        }
        return sums
    }

    /// As `divergenceSums`, for every sample by itself.
    ///
    /// - Parameter populations: between which samples take turns, as those of several prompts do.
    /// - Returns: of each model, one number a sample.
    public func divergences(
        of samples: Tensor, noise: SampleNoise, stride: Int = 1, populations: Int = 1,
        predictions: (_ x: Tensor, _ timesteps: Timesteps) throws -> (p: Tensor, models: [Tensor])
    ) throws -> [[Double]] {
        var sums: [[Double]] = []
        try forEachTerm(of: samples, noise, stride, populations, predictions) { models, i, sample, term in
            if sums.isEmpty {
                sums = Array(repeating: Array(repeating: 0, count: samples.shape[0]), count: models)
            }
            sums[i][sample] += term
        }
        return sums
    }

    /// - Parameter body: sees the number of models, a model, a sample and what the integral of the two gains.
    private func forEachTerm(
        of samples: Tensor, _ noise: SampleNoise, _ stride: Int, _ populations: Int,
        _ predictions: (Tensor, Timesteps) throws -> (p: Tensor, models: [Tensor]),
        _ body: (_ models: Int, _ model: Int, _ sample: Int, _ term: Double) -> Void
    ) throws {
        try withoutRecording {
            try forEachPass(samples.detached, noise: noise, stride: stride, populations: populations) {
                pass in
                let (p, models) = try predictions(pass.x, pass.timesteps)
                for (i, model) in models.enumerated() {
                    let squares = (p - model).squaredNorms().doubles
                    for (s, square) in squares.enumerated() {
                        let node = pass.nodes[s]
                        body(models.count, i, s, pass.multiplicity[s] * (node.weight + node.tail) * square)
                    }
                }
            }
        }
    }
}
