"""The client's calls about subsidies: contracts, rules, claims and their packs."""

from api.client.connection import Connection, new_key, quoted, read
from api.schemas.claims import (
    AssessmentView,
    ClaimAsk,
    ClaimList,
    ClaimView,
    ContractList,
    ContractRegister,
    ContractView,
    RuleList,
    RulePublish,
    RuleView,
)


class ClaimCalls:
    """A part of `api.sdk.Client`."""

    _wire: Connection

    def contracts(self, tenant: str | None = None) -> ContractList:
        return self._wire.get("/v1/contracts", ContractList, tenant=tenant)

    def register_contract(self, wanted: ContractRegister) -> ContractView:
        """Register a contract; the same again changes nothing."""
        return self._wire.create("/v1/contracts", wanted, ContractView, wanted.number)

    def claim_rules(self) -> RuleList:
        return self._wire.get("/v1/claim-rules", RuleList)

    def publish_claim_rule(self, wanted: RulePublish) -> RuleView:
        """Publish what a fund pays; the same again changes nothing."""
        return self._wire.create("/v1/claim-rules", wanted, RuleView, wanted.id)

    def claims(self, tenant: str | None = None) -> ClaimList:
        return self._wire.get("/v1/claims", ClaimList, tenant=tenant)

    def assess_claim(self, rule: str, contract: str) -> AssessmentView:
        """How a claim would come out now; nothing is written."""
        asked = ClaimAsk(rule=rule, contract=contract)
        return read(self._wire.send("POST", "/v1/claims:assess", asked, new_key()), AssessmentView)

    def claim_subsidy(self, rule: str, contract: str) -> ClaimView:
        """Claim what may be claimed now, once."""
        asked = ClaimAsk(rule=rule, contract=contract)
        return self._wire.create("/v1/claims", asked, ClaimView, None)

    def claim_pack(self, claim_id: str) -> bytes:
        """All that a funding office asks for, as an archive."""
        return self._wire.request("GET", f"/v1/claims/{quoted(claim_id)}/pack").content
