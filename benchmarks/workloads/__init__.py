"""The workloads, one a module.

In every one the frameworks get the same: the parameters are leaves that require gradients; the data are what the framework calls a
constant, made once; all numbers are 64 bit wide. A framework is imported by the contender that needs it, since it may be missing.
"""

from benchmarks.workloads import arrays, chain, convolution, five_points, mixture, mlp, network, scalar_step

ALL = (
    scalar_step.WORKLOAD,
    chain.WORKLOAD,
    five_points.WORKLOAD,
    mlp.WORKLOAD,
    *network.WORKLOADS,
    mixture.WORKLOAD,
    convolution.WORKLOAD,
    *arrays.WORKLOADS,
)
