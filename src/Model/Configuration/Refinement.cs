namespace Xkd.Model.Configuration;

/// <summary>Cross-modal refinement of the teachers' patch tokens (paper, section "refined features").</summary>
public enum Refinement
{
    /// <summary>Plain patch mean.</summary>
    None,

    /// <summary>Mean cross-modal attention: the paper's choice.</summary>
    Mean,

    /// <summary>Softmax cross-modal attention.</summary>
    Softmax,
}
