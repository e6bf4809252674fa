"""AWS Signature Version 4 against AWS's own examples, and the regions of the specification."""

from __future__ import annotations

import pytest

from mongodriver.auth.aws import region_of
from mongodriver.auth.sigv4 import AwsCredentials, authorization
from mongodriver.errors import OperationFailure

EXAMPLE = AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TIME = "20150830T123600Z"


def test_the_example_of_the_documentation():
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "Host": "iam.amazonaws.com",
        "X-Amz-Date": TIME,
    }
    query = "Action=ListUsers&Version=2010-05-08"
    found = authorization(EXAMPLE, "us-east-1", "iam", headers, b"", method="GET", query=query)
    assert found == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


@pytest.mark.parametrize(
    ("method", "headers", "body", "signature"),
    [
        (  # get-vanilla
            "GET",
            {},
            b"",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (  # post-vanilla
            "POST",
            {},
            b"",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (  # get-header-value-trim
            "GET",
            {"My-Header1": " value1", "My-Header2": ' "a   b   c"'},
            b"",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (  # post-x-www-form-urlencoded
            "POST",
            {"Content-Type": "application/x-www-form-urlencoded"},
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
)
def test_the_suite(method, headers, body, signature):
    headers = {"Host": "example.amazonaws.com", "X-Amz-Date": TIME, **headers}
    found = authorization(EXAMPLE, "us-east-1", "service", headers, body, method=method)
    assert found.endswith(f"Signature={signature}")


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("sts.amazonaws.com", "us-east-1"),
        ("sts.us-west-2.amazonaws.com", "us-west-2"),
        ("sts.us-west-2.amazonaws.com.ch", "us-west-2"),
        ("example.com", "com"),
        ("localhost", "us-east-1"),
        ("a" * 255, "us-east-1"),
    ],
)
def test_regions(host, region):
    assert region_of(host) == region


@pytest.mark.parametrize("host", ["sts..com", ".amazonaws.com", "sts.amazonaws.", "", "a" * 256])
def test_hosts_that_are_none(host):
    with pytest.raises(OperationFailure, match="invalid sts host"):
        region_of(host)
