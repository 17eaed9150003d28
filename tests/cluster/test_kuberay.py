"""RayJob and RayCluster by KubeRay's reference of ray.io/v1 and its operator's rules, pods by Kubernetes' schema.

The operator's own schema (a CustomResourceDefinition) is not in this repository. Above the pods, names and types are
written down here from the reference of KubeRay 1.5, every other name is refused (those that later versions added,
too), and the operator's rules that concern what is rendered are said again in `refused_by_the_operator`.
"""

import jsonschema
import kubernetes_validate
import pytest
import yaml

from cluster.launch_files import KubeRay
from dfkd_core.errors import ConfigError

TEXT, SWITCH, COUNT = {"type": "string"}, {"type": "boolean"}, {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
TEXTS = {"type": "object", "additionalProperties": TEXT}
POD = {"type": "object"}  # by Kubernetes' own schema, below


def fields(required=(), **known):
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": known}


def one_of(*words):
    return {"enum": list(words)}


MANAGER = one_of("ray.io/kuberay-operator", "kueue.x-k8s.io/multikueue")
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
    managedBy=MANAGER,
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


def resource(kind, spec):
    # services and pods are named after it with an ending of their own, a job's cluster with six characters more
    name = TEXT | {"pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$", "maxLength": 47 if kind == "RayJob" else 53}
    metadata = fields(["name"], name=name, namespace=TEXT, labels=TEXTS, annotations=TEXTS)
    whole = {"apiVersion": one_of("ray.io/v1"), "kind": one_of(kind), "metadata": metadata, "spec": spec}
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
        managedBy=MANAGER,
        suspend=SWITCH,
        rayClusterSpec=CLUSTER,
    ),
)


def groups(file):
    cluster = file["spec"].get("rayClusterSpec", file["spec"])
    return cluster, (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])


def refuse_unknown(file):
    """ValidationError for a name or a value that KubeRay or Kubernetes would not take."""
    jsonschema.validate(file, JOB if file["kind"] == "RayJob" else resource("RayCluster", CLUSTER))
    for group in groups(file)[1]:
        template = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "x"}, "template": group["template"]}
        kubernetes_validate.validate(template, "1.37", strict=True)


def refused_by_the_operator(file):
    """Which of the rules it breaks that the operator checks after the schema."""
    spec, (cluster, nodes) = file["spec"], groups(file)
    pods = [group["template"]["spec"] for group in nodes]
    head = {one["name"] for one in pods[0]["containers"][0].get("env", [])}
    scales = cluster.get("enableInTreeAutoscaling", False)
    version = tuple(int(part) for part in cluster["rayVersion"].split("."))
    broken = {
        "a time to live needs shutdownAfterJobFinishes": spec.get("ttlSecondsAfterFinished", 0) > 0
        and not spec.get("shutdownAfterJobFinishes"),
        "tokens need Ray 2.52": cluster["authOptions"]["mode"] == "token" and version < (2, 52, 0),
        "a pod has a container": not all(pod["containers"] for pod in pods),
        "pods that scale (v2) are not restarted": scales
        and version >= (2, 47, 0)
        and any(pod.get("restartPolicy", "Never") != "Never" for pod in pods),
        "no Redis without gcsFaultToleranceOptions": bool(head & {"RAY_REDIS_ADDRESS", "REDIS_USERNAME"}),
        "the autoscaler's version is no variable": "RAY_enable_autoscaler_v2" in head,
        "labels are a field": any("labels" in group["rayStartParams"] for group in nodes),
    }
    return [rule for rule, is_broken in broken.items() if is_broken]


def rendered(**options):
    return yaml.safe_load(KubeRay.parse({"image": "dfkd:latest", **options}).text("FILE"))


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gpus_per_worker": 2},
        {"queue": "team"},
        {"gpus_per_worker": 64, "queue": "t", "name": "a" * 40, "workers": 10_000, "idle_minutes": 10_000},
        {"namespace": "2-speech", "claim": "c", "tracking_secret": "s", "mount": "/", "out": "/runs/x"},
    ],
)
def test_kuberay_and_kubernetes_take_job_and_cluster(options, stays):
    file = rendered(stays=stays, **options)
    assert file["kind"] == ("RayCluster" if stays else "RayJob")
    refuse_unknown(file)
    assert refused_by_the_operator(file) == []


@pytest.mark.parametrize("name", ["1st", "first-", "-first"])
def test_a_name_that_the_operator_would_refuse_is_refused_before_it_is_rendered(name):
    file = rendered()
    file["metadata"]["name"] = name
    with pytest.raises(jsonschema.ValidationError, match="metadata"):
        refuse_unknown(file)
    with pytest.raises(ConfigError, match="name"):
        rendered(name=name)


@pytest.mark.parametrize("field", ["namespace", "claim", "queue", "tracking_secret"])
def test_other_names_of_kubernetes_end_with_a_letter_or_a_digit(field):
    rendered(**{field: "2-speech"})
    with pytest.raises(ConfigError, match=field):
        rendered(**{field: "speech-"})


def changed(place, value):
    """The job with one value that is another."""
    job = rendered()
    *path, last = place.split(".")
    inner = job
    for name in path:
        inner = inner[int(name)] if name.isdigit() else inner[name]
    inner[last] = value
    return job


HEAD_GROUP, WORKER_GROUP = "spec.rayClusterSpec.headGroupSpec", "spec.rayClusterSpec.workerGroupSpecs.0"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("spec.shutdownAfterJobFinish", True),
        ("spec.managedBy", "someone"),
        ("spec.rayClusterSpec.authOptions.mode", "tokens"),
        ("spec.rayClusterSpec.autoscalerOptions.idleTimeoutSeconds", 2**31),
        (f"{HEAD_GROUP}.rayStartParams.num-cpus", 0),
        (f"{WORKER_GROUP}.maxReplicas", "5"),
        (f"{WORKER_GROUP}.template.spec.containers.0.volumeMount", []),
        (f"{WORKER_GROUP}.template.spec.terminationGracePeriodSeconds", "120"),
        (f"{HEAD_GROUP}.template.spec.containers.0.env.1.valueFrom.secretKeyRef.nam", "x"),
    ],
)
def test_a_slip_in_the_file_would_be_seen(place, value):
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        refuse_unknown(changed(place, value))


@pytest.mark.parametrize(
    ("place", "value", "rule"),
    [
        ("spec.shutdownAfterJobFinishes", False, "time to live"),
        ("spec.rayClusterSpec.rayVersion", "2.51.9", "tokens"),
        (f"{WORKER_GROUP}.template.spec.restartPolicy", "Always", "not restarted"),
        (f"{WORKER_GROUP}.template.spec.containers", [], "has a container"),
        (f"{WORKER_GROUP}.rayStartParams.labels", "a=b", "labels"),
        (f"{HEAD_GROUP}.template.spec.containers.0.env.0.name", "RAY_REDIS_ADDRESS", "Redis"),
        (f"{HEAD_GROUP}.template.spec.containers.0.env.0.name", "RAY_enable_autoscaler_v2", "autoscaler"),
    ],
)
def test_a_broken_rule_of_the_operator_would_be_seen(place, value, rule):
    (broken,) = refused_by_the_operator(changed(place, value))
    assert rule in broken
