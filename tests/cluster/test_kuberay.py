"""RayJob and RayCluster by the fields of KubeRay's reference of ray.io/v1, pods by Kubernetes' schema, strictly.

The operator's own schema is not at hand: above the pods, names and types are written down here from that reference
(KubeRay 1.5), and every other name is refused.
"""

import copy

import jsonschema
import kubernetes_validate
import pytest
import yaml

from cluster.launch_files import KubeRay

TEXT, SWITCH, COUNT = {"type": "string"}, {"type": "boolean"}, {"type": "integer", "minimum": 0}
TEXTS = {"type": "object", "additionalProperties": TEXT}
POD = {"type": "object"}  # by Kubernetes' own schema, below


def fields(required=(), **known):
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": known}


def one_of(*words):
    return {"enum": list(words)}


HEAD = fields(
    ["template"],
    template=POD,
    headService={},
    enableIngress=SWITCH,
    rayStartParams=TEXTS,
    serviceType=TEXT,
    labels=TEXTS,
)
WORKERS = fields(
    ["groupName", "minReplicas", "maxReplicas", "template"],
    groupName=TEXT,
    replicas=COUNT,
    minReplicas=COUNT,
    maxReplicas=COUNT,
    numOfHosts=COUNT,
    idleTimeoutSeconds=COUNT,
    suspend=SWITCH,
    rayStartParams=TEXTS,
    labels=TEXTS,
    scaleStrategy={},
    template=POD,
)
CLUSTER = fields(
    ["headGroupSpec"],
    rayVersion=TEXT,
    suspend=SWITCH,
    managedBy=TEXT,
    headServiceAnnotations=TEXTS,
    enableInTreeAutoscaling=SWITCH,
    authOptions=fields(mode=one_of("disabled", "token")),
    gcsFaultToleranceOptions={},
    autoscalerOptions=fields(
        image=TEXT,
        imagePullPolicy=TEXT,
        resources={},
        securityContext={},
        idleTimeoutSeconds=COUNT,
        upscalingMode=one_of("Default", "Aggressive", "Conservative"),
        version=one_of("v1", "v2"),
        env={},
        envFrom={},
        volumeMounts={},
    ),
    headGroupSpec=HEAD,
    workerGroupSpecs={"type": "array", "items": WORKERS},
)
METADATA = fields(["name"], name=TEXT, namespace=TEXT, labels=TEXTS, annotations=TEXTS)


def resource(kind, spec):
    whole = {"apiVersion": one_of("ray.io/v1"), "kind": one_of(kind), "metadata": METADATA, "spec": spec}
    return fields([*whole], **whole)


JOB = resource(
    "RayJob",
    fields(
        entrypoint=TEXT,
        entrypointNumCpus={"type": "number"},
        entrypointNumGpus={"type": "number"},
        entrypointResources=TEXT,
        runtimeEnvYAML=TEXT,
        jobId=TEXT,
        metadata=TEXTS,
        clusterSelector=TEXTS,
        submissionMode=one_of("K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"),
        submitterPodTemplate=POD,
        submitterConfig=fields(backoffLimit=COUNT),
        backoffLimit=COUNT,
        activeDeadlineSeconds={"type": "integer", "minimum": 1},
        ttlSecondsAfterFinished=COUNT,
        shutdownAfterJobFinishes=SWITCH,
        deletionStrategy={},
        managedBy=TEXT,
        suspend=SWITCH,
        rayClusterSpec=CLUSTER,
    ),
)


def refuse_unknown(file):
    """ValidationError for a name or a value that KubeRay or Kubernetes would not take."""
    jsonschema.validate(file, JOB if file["kind"] == "RayJob" else resource("RayCluster", CLUSTER))
    cluster = file["spec"].get("rayClusterSpec", file["spec"])
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        template = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "x"}, "template": group["template"]}
        kubernetes_validate.validate(template, "1.37", strict=True)


@pytest.mark.parametrize(
    "options", [{}, {"gpus_per_worker": 2, "queue": "team"}, {"stays": True}, {"stays": True, "queue": "team"}]
)
def test_kuberay_and_kubernetes_know_every_field_of_job_and_cluster(options):
    file = yaml.safe_load(KubeRay.parse({"image": "dfkd:latest", **options}).text("FILE"))
    assert file["kind"] == ("RayCluster" if "stays" in options else "RayJob")
    refuse_unknown(file)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("spec.shutdownAfterJobFinish", True),
        ("spec.rayClusterSpec.authOptions.mode", "tokens"),
        ("spec.rayClusterSpec.headGroupSpec.rayStartParams.num-cpus", 0),
        ("spec.rayClusterSpec.workerGroupSpecs.0.maxReplicas", "5"),
        ("spec.rayClusterSpec.workerGroupSpecs.0.template.spec.containers.0.volumeMount", []),
        ("spec.rayClusterSpec.workerGroupSpecs.0.template.spec.terminationGracePeriodSeconds", "120"),
        ("spec.rayClusterSpec.headGroupSpec.template.spec.containers.0.env.1.valueFrom.secretKeyRef.nam", "x"),
    ],
)
def test_a_slip_in_the_file_would_be_seen(place, value):
    job = copy.deepcopy(yaml.safe_load(KubeRay.parse({"image": "dfkd:latest"}).text("FILE")))
    *path, last = place.split(".")
    inner = job
    for name in path:
        inner = inner[int(name)] if name.isdigit() else inner[name]
    inner[last] = value
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        refuse_unknown(job)
