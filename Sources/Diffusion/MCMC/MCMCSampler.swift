/// Langevin and Hamiltonian Monte Carlo: leapfrog steps, with or without a Metropolis test.
///
/// Du et al. 2023.
///
/// One leapfrog step of size ε from a fresh momentum moves x by ½ε² s(x) + ε z, so the Langevin samplers are the
/// case of one step, and MALA's test is HMC's.
public struct MCMCSampler: Sendable, Hashable, Codable {
    /// Score evaluations per iteration.
    public let leapfrogSteps: Int
    /// κ: an iteration starts from κ v + √(1−κ²) z; 0 draws a new momentum, near 1 keeps its direction.
    public let momentumPersistence: Double
    /// Whether proposals pass a Metropolis test, which takes out the error of finite steps.
    public let isAdjusted: Bool

    public init(leapfrogSteps: Int, momentumPersistence: Double = 0, isAdjusted: Bool) {
        precondition(leapfrogSteps > 0, "MCMCSampler: leapfrogSteps is \(leapfrogSteps), must be positive")
        precondition(
            momentumPersistence >= 0 && momentumPersistence < 1,
            "MCMCSampler: momentumPersistence is \(momentumPersistence), must lie in 0..<1")
        self.leapfrogSteps = leapfrogSteps
        self.momentumPersistence = momentumPersistence
        self.isAdjusted = isAdjusted
    }

    /// Unadjusted Langevin.
    public static let ula = MCMCSampler(leapfrogSteps: 1, isAdjusted: false)

    /// Metropolis-adjusted Langevin.
    public static let mala = MCMCSampler(leapfrogSteps: 1, isAdjusted: true)

    /// Unadjusted Hamiltonian with partial momentum refreshment.
    public static func uhmc(leapfrogSteps: Int, momentumPersistence: Double) -> MCMCSampler {
        MCMCSampler(
            leapfrogSteps: leapfrogSteps, momentumPersistence: momentumPersistence, isAdjusted: false)
    }

    /// Hamiltonian Monte Carlo; with persistence, Horowitz's generalised form.
    ///
    /// A path of leapfrogSteps · ε ≈ 1.6 standard deviations of the target forgets its start; one of about 3 comes
    /// back mirrored (half a period) and mixes badly however high the acceptance rate.
    public static func hmc(leapfrogSteps: Int, momentumPersistence: Double = 0) -> MCMCSampler {
        MCMCSampler(leapfrogSteps: leapfrogSteps, momentumPersistence: momentumPersistence, isAdjusted: true)
    }

    /// The acceptance rate of an efficient step size in many dimensions.
    ///
    /// .574 for MALA (Roberts & Rosenthal 1998), .651 for HMC (Beskos et al. 2013).
    public var targetAcceptance: Double { leapfrogSteps == 1 ? 0.574 : 0.651 }
}
