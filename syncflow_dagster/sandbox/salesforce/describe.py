"""`/sobjects` and `/sobjects/X/describe`: what the caller may know of objects and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.routes import ApiRoute
from syncflow_dagster.sandbox.salesforce.schema import COMPOUND_TYPES, NUMBER_TYPES, TEXT_TYPES

if TYPE_CHECKING:
    from starlette.responses import Response

    from syncflow_dagster.sandbox.salesforce.call import Call
    from syncflow_dagster.sandbox.salesforce.schema import FieldDef, ObjectDef

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "base64": "xsd:base64Binary",
    "address": "urn:address",
    "location": "urn:location",
}
# Who looks for a record by e-mail address may do so in Salesforce's own import tools.
_ID_LOOKUPS = frozenset({"Id", "Email", "Name"})


def _all(call: Call) -> Response:
    shown = [{**_of_object(one), **_urls(call, one)} for one in call.org.schema_for(call.viewer)]
    return call.answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown})


def _basics(call: Call) -> Response:
    definition = call.object()
    described = {**_of_object(definition), **_urls(call, definition)}
    return call.answer({"objectDescribe": described, "recentItems": []})


def _describe(call: Call) -> Response:
    definition = call.object()
    fields = [
        _of_field(one)
        for one in definition.fields.values()
        if not call.viewer.hides(definition.name, one.name)
    ]
    shown = {
        **_of_object(definition),
        "fields": fields,
        "childRelationships": _children(call, definition),
        "recordTypeInfos": [],
        **_urls(call, definition),
    }
    return call.answer(shown)


def _of_object(definition: ObjectDef) -> dict[str, Any]:
    return {
        "activateable": False,
        "createable": definition.createable,
        "custom": definition.custom,
        "customSetting": False,
        "deletable": definition.deletable,
        "deprecatedAndHidden": False,
        "keyPrefix": definition.key_prefix,
        "label": definition.label,
        "labelPlural": f"{definition.label}s",
        "layoutable": True,
        "mergeable": definition.mergeable,
        "mruEnabled": True,
        "name": definition.name,
        "queryable": definition.queryable,
        "replicateable": "SystemModstamp" in definition.fields,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": "IsDeleted" in definition.fields,
        "updateable": definition.updateable,
    }


def _urls(call: Call, definition: ObjectDef) -> dict[str, Any]:
    base = f"{call.root}/sobjects/{definition.name}"
    urls = {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"}
    return {"urls": urls}


def _of_field(field: FieldDef) -> dict[str, Any]:
    is_number = field.type in NUMBER_TYPES
    is_text = field.type in TEXT_TYPES or field.type in ("picklist", "multipicklist")
    return {
        "aggregatable": field.filterable and field.type not in COMPOUND_TYPES,
        "autoNumber": False,
        "byteLength": field.length * 3 if is_text else field.length,
        "calculated": field.calculated,
        "calculatedFormula": None,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound,
        "createable": field.createable,
        "custom": field.custom,
        "defaultValue": field.default,
        "defaultedOnCreate": field.default is not None or not field.createable,
        "deprecatedAndHidden": False,
        "digits": field.precision if field.type == "int" else 0,
        "encrypted": field.type == "encryptedstring",
        "externalId": field.external_id,
        "filterable": field.filterable,
        "groupable": field.groupable,
        "idLookup": field.external_id or field.name in _ID_LOOKUPS,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": field.name == "Name",
        "nillable": field.nillable,
        "permissionable": field.nillable and field.createable,
        "picklistValues": [
            {
                "active": True,
                "defaultValue": one == field.default,
                "label": one,
                "validFor": None,
                "value": one,
            }
            for one in field.picklist
        ],
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "precision": field.precision if is_number and field.type != "int" else 0,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
        "restrictedPicklist": field.restricted,
        "scale": field.scale if is_number else 0,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:double" if is_number else "xsd:string"),
        "sortable": field.sortable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable,
    }


def _children(call: Call, definition: ObjectDef) -> list[dict[str, Any]]:
    return [
        {
            "cascadeDelete": False,
            "childSObject": owner.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "relationshipName": None,
            "restrictedDelete": False,
        }
        for owner in call.org.schema_for(call.viewer)
        for field in owner.fields.values()
        if definition.name in field.reference_to and not call.viewer.hides(owner.name, field.name)
    ]


ROUTES = [
    ApiRoute("GET", "/sobjects", "describe", _all),
    ApiRoute("GET", "/sobjects/{object}", "describe", _basics),
    ApiRoute("GET", "/sobjects/{object}/describe", "describe", _describe),
]
